// What a command left in STATE/acts, as the service reads it: whatever is taken has a body that is
// taken again and says the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/supervisor/act_spool.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using daemon_supervisor::ActReport;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)daemon_supervisor::is_act_file_name(text);
  const auto act = ActReport::parse(text);
  if (!act.ok()) return 0;
  if (!daemon_supervisor::is_act_file_name(act_file_name(act.value()))) std::abort();
  const auto body = act.value().body();
  const auto again = ActReport::parse(body.dump());
  if (!again.ok() || !(again.value().body() == body)) std::abort();
  return 0;
}

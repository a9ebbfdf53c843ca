// What the store keeps beside a model: a text that parses must serialise to one that parses to the
// same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "provisioning/store/about.h"
#include "provisioning/store/object_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto model = provisioning::parse_about(text); model.ok()) {
    const std::string once = provisioning::serialize_about(model.value());
    const auto again = provisioning::parse_about(once);
    if (!again.ok() || provisioning::serialize_about(again.value()) != once) std::abort();
  }
  if (const auto objects = provisioning::parse_object_list(text); objects.ok()) {
    if (provisioning::serialize_object_list(objects.value()) != text) std::abort();
  }
  return 0;
}

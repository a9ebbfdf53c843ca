#include "daemon/config/value_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "daemon/audit/tlog/note.h"
#include "daemon/engine/engine_config.h"
#include "hardening/base/checked.h"
#include "hardening/base/file.h"

namespace daemon_config {
namespace {

constexpr std::size_t kPathBytesMax = 1'024;
constexpr std::size_t kModelNameBytesMax = 256;
constexpr std::size_t kGpuBytesMax = 96;  // NVML_DEVICE_UUID_V2_BUFFER_SIZE
constexpr std::size_t kUserBytesMax = 32;
constexpr std::size_t kListenMax = 16;
constexpr std::size_t kOriginBytesMax = 128;
constexpr std::size_t kWitnessesMax = 16;

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool consists_of(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return kLettersAndDigits.find(c) != std::string_view::npos ||
           extra.find(c) != std::string_view::npos;
  });
}

base::Status check_range(std::uint64_t number, Range range) {
  if (number == 0 && range.zero_too) return {};
  if (number >= range.min && number <= range.max) return {};
  return base::invalid_input(fmt::format(
      "must be {}{} to {}, not {}", range.zero_too ? "0 or " : "", range.min, range.max, number));
}

base::Result<std::uint64_t> to_number(const TomlValue& value, Range range) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return base::invalid_input("must be a whole number");
  if (*number < 0)
    return base::invalid_input(fmt::format("must not be negative, but is {}", *number));
  TRY(check_range(static_cast<std::uint64_t>(*number), range));
  return static_cast<std::uint64_t>(*number);
}

// "512 MiB", "2GiB"
base::Result<std::uint64_t> parse_size(std::string_view text) {
  struct Unit {
    std::string_view name;
    unsigned shift;
  };
  constexpr Unit kUnits[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  const auto malformed =
      base::invalid_input("must be a number of bytes or a text such as \"512 MiB\" or \"2 GiB\"");
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return malformed;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const Unit& unit : kUnits) {
    if (text != unit.name) continue;
    const auto bytes = base::checked_mul(number, std::uint64_t{1} << unit.shift);
    if (!bytes) return malformed;
    return *bytes;
  }
  return malformed;
}

base::Status check_absolute(const std::string& path) {
  const bool absolute = path.starts_with('/') && path.find('\0') == path.npos;
  if (absolute && path.size() <= kPathBytesMax) return {};
  return base::invalid_input(
      fmt::format("must be an absolute path of at most {} bytes", kPathBytesMax));
}

base::Result<std::vector<std::string>> to_texts(const TomlValue& value, std::size_t count_max) {
  const auto* texts = std::get_if<std::vector<std::string>>(&value);
  if (texts == nullptr) return base::invalid_input("must be a list of texts");
  if (texts->size() > count_max) {
    return base::invalid_input(
        fmt::format("must have at most {} entries, not {}", count_max, texts->size()));
  }
  return *texts;
}

}  // namespace

base::Result<std::uint32_t> to_u32(const TomlValue& value, Range range) {
  return static_cast<std::uint32_t>(TRY(to_number(value, range)));
}

base::Result<std::uint64_t> to_bytes(const TomlValue& value, Range range) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return to_number(value, range);
  const auto bytes = TRY(parse_size(*text));
  TRY(check_range(bytes, range));
  return bytes;
}

base::Result<bool> to_bool(const TomlValue& value) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag == nullptr) return base::invalid_input("must be true or false");
  return *flag;
}

base::Result<std::string> to_text(const TomlValue& value, std::size_t bytes_max) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return base::invalid_input("must be a text in quotes");
  if (text->size() > bytes_max) {
    return base::invalid_input(
        fmt::format("must have at most {} bytes, not {}", bytes_max, text->size()));
  }
  return *text;
}

base::Result<std::string> to_choice(const TomlValue& value,
                                    std::initializer_list<std::string_view> choices) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && std::find(choices.begin(), choices.end(), *text) != choices.end())
    return *text;
  return base::invalid_input(fmt::format("must be \"{}\"", fmt::join(choices, "\" or \"")));
}

base::Result<std::string> to_absolute_path(const TomlValue& value) {
  auto path = TRY(to_text(value, kPathBytesMax));
  TRY(check_absolute(path));
  return path;
}

base::Result<std::vector<std::string>> to_absolute_paths(const TomlValue& value,
                                                         std::size_t count_max) {
  auto paths = TRY(to_texts(value, count_max));
  for (const std::string& path : paths) TRY(check_absolute(path));
  return paths;
}

base::Result<std::string> to_relative_path(const TomlValue& value) {
  auto path = TRY(to_text(value, kPathBytesMax));
  if (!base::check_relative_path(path).ok())
    return base::invalid_input("must be a relative path without \"..\"");
  return path;
}

base::Result<std::string> to_model_name(const TomlValue& value) {
  auto name = TRY(to_text(value, kModelNameBytesMax));
  if (!name.empty() && consists_of(name, "-_.:/")) return name;
  return base::invalid_input("must consist of letters, digits and \"-_.:/\"");
}

base::Result<std::string> to_log_origin(const TomlValue& value) {
  auto origin = TRY(to_text(value, kOriginBytesMax));
  for (const char c : origin) {
    if (c <= ' ' || c > '~' || c == '+')
      return base::invalid_input("must consist of visible ASCII characters other than '+'");
  }
  return origin;
}

base::Result<std::vector<std::string>> to_witnesses(const TomlValue& value) {
  auto keys = TRY(to_texts(value, kWitnessesMax));
  for (const std::string& key : keys) {
    const auto parsed = daemon_audit::VerifierKey::parse(key);
    if (!parsed.ok())
      return base::invalid_input("must be verifier keys: " + parsed.error().message);
  }
  return keys;
}

base::Result<std::vector<std::string>> to_gpus(const TomlValue& value) {
  auto gpus = TRY(to_texts(value, daemon_engine::kGpusMax));
  for (const std::string& gpu : gpus) {
    const bool number = gpu.size() <= 2 && gpu.find_first_not_of("0123456789") == gpu.npos;
    const bool uuid = gpu.starts_with("GPU-") || gpu.starts_with("MIG-");
    if (gpu.empty() || !(number || (uuid && gpu.size() <= kGpuBytesMax && consists_of(gpu, "-"))))
      return base::invalid_input("must be GPUs by UUID, as \"GPU-…\", or by number, as \"0\"");
    if (std::count(gpus.begin(), gpus.end(), gpu) > 1)
      return base::invalid_input(fmt::format("names {} twice", gpu));
  }
  return gpus;
}

base::Result<std::string> to_user(const TomlValue& value) {
  auto user = TRY(to_text(value, kUserBytesMax));
  if (!user.empty() && consists_of(user, "-_")) return user;
  return base::invalid_input("must be a user's name or number, in quotes");
}

base::Result<std::vector<ListenAddress>> to_listen_addresses(const TomlValue& value) {
  const auto texts = TRY(to_texts(value, kListenMax));
  if (texts.empty()) return base::invalid_input("must name at least one address");
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts) {
    auto address = parse_listen_address(text);
    if (!address.ok()) return base::invalid_input("is wrong: " + address.error().message);
    addresses.push_back(std::move(address).value());
  }
  return addresses;
}

}  // namespace daemon_config

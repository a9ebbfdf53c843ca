// A management library as NVIDIA's, with GPUs that do what a script says: tests load it in the
// place of libnvidia-ml.so.1, in a unit test or under a service that runs.
//
// The script is the file that REDOUBT_FAKE_NVML names, else `fake_nvml.script` in the folder of
// this library. It is opened once, when the library is initialised, and read again at each call: so
// it works inside a sandbox that lets no file be opened, and is to be changed in place (same
// inode). One `key = value` per line; `#` begins a comment. It ends with the line `end`: a script
// without it is half written, and the one before it stays in force. No script: no driver.
//
//   gpus = 2                     how many there are; default 1, at most 64
//   init = driver_not_loaded     what nvmlInit says: a name below or a number; likewise
//   count = unknown              what nvmlDeviceGetCount says
//   driver_version = 580.65.06
//   nvml_version = 13.580.65.06
//   without = nvmlDeviceGetName  this function says FUNCTION_NOT_FOUND; as often as needed
//   event = 0 8 79               GPU 0 has an event of type 8 (hexadecimal) with data 79 (decimal).
//                                Events that are there when the library is initialised are over;
//                                those appended later are delivered, each once
//   wait = gpu_is_lost           what nvmlEventSetWait says instead of waiting
//
//   0.uuid = GPU-…               of GPU 0; default GPU-fake-0000, as the next ones
//   0.name = NVIDIA H100 80GB HBM3
//   0.pci_bus_id = 00000000:01:00.0
//   0.handle = gpu_is_lost       what asking for its handle says
//   0.status = gpu_is_lost       what every call about it says
//   0.hang = 1                   every call about it hangs, for good
//   0.events_supported = fe0f    mask of event types, hexadecimal
//   0.processes = 4711 4712      that compute on it; default none
//   0.links_down = 1 3           NVLinks that are down
//   0.KEY = 5                    a number that a call below answers with; `none`: NOT_SUPPORTED;
//                                `error 15`: that code
//   0.field.142 = 5              a field's value (nvmlDeviceGetFieldValues); `0.field.161.2` of
//                                link 2. Fields without a line are NOT_SUPPORTED, but for those
//                                of kFieldDefaults
//   0.field.142.type = 1         its nvmlValueType_t, default 3 (unsigned long long)
//
// KEYs: temperature_c, shutdown_c, slowdown_c, margin_c, throttle_reasons, power_mw,
// power_limit_mw, utilisation_percent, memory_utilisation_percent, memory_used_bytes,
// memory_total_bytes, pcie_generation, pcie_generation_max, pcie_width, pcie_width_max,
// pcie_replays, sm_clock_mhz, memory_clock_mhz, persistence, ecc_enabled, mig_enabled,
// inforom_valid, sram_threshold_exceeded, ecc_corrected_volatile, ecc_uncorrected_volatile,
// ecc_uncorrected_aggregate, remapped_correctable, remapped_uncorrectable, remap_pending,
// remap_failed
//
// Codes by name: success, uninitialized, not_supported, no_permission, driver_not_loaded, timeout,
// gpu_is_lost, reset_required, unknown.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/health/nvml_abi.h"

namespace nvml = daemon_health::nvml;
using nvml::Device;
using nvml::Return;

#define FAKE_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr unsigned kGpusMax = 64;
constexpr int kStepMs = 5;
constexpr std::size_t kScriptBytesMax = std::size_t{1} << 18;

struct Event {
  unsigned gpu = 0;
  unsigned long long type = 0, data = 0;
};

struct Script {
  std::map<std::string, std::string> values;
  std::vector<std::string> without;
  std::vector<Event> events;
};

struct State {
  int fd = -1;
  std::string text;
  Script script;
  std::size_t delivered = 0;  // events
  unsigned long long registered[kGpusMax] = {};
};

// Of this library alone, which has no other place for it.
State state;

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t\r");
  if (from == text.npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

std::optional<Script> parse(const std::string& text) {
  Script script;
  std::istringstream lines(text);
  bool whole = false;
  for (std::string line; std::getline(lines, line);) {
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    if (line == "end") {  // what may stand behind it is a longer script's, not cut off yet
      whole = true;
      break;
    }
    const auto equals = line.find('=');
    if (equals == line.npos) continue;
    const std::string key = trimmed(line.substr(0, equals));
    const std::string value = trimmed(line.substr(equals + 1));
    if (key == "without") {
      script.without.push_back(value);
    } else if (key == "event") {
      Event event;
      std::istringstream(value) >> event.gpu >> std::hex >> event.type >> std::dec >> event.data;
      script.events.push_back(event);
    } else {
      script.values[key] = value;
    }
  }
  if (!whole) return std::nullopt;
  return script;
}

void refresh() {
  static char buffer[kScriptBytesMax];
  if (state.fd < 0) return;
  const ssize_t bytes = ::pread(state.fd, buffer, sizeof(buffer), 0);
  if (bytes < 0) return;
  const std::string_view text(buffer, static_cast<std::size_t>(bytes));
  if (text == state.text) return;
  auto script = parse(std::string(text));
  if (!script) return;
  state.script = *std::move(script);
  state.text = text;
}

std::string script_path() {
  if (const char* named = std::getenv("REDOUBT_FAKE_NVML")) return named;
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void*>(&script_path), &info) == 0 || info.dli_fname == nullptr)
    return "";
  const std::string library = info.dli_fname;
  return library.substr(0, library.rfind('/') + 1) + "fake_nvml.script";
}

std::optional<std::string> find(const std::string& key) {
  const auto found = state.script.values.find(key);
  if (found == state.script.values.end()) return std::nullopt;
  return found->second;
}

Return code_of(const std::string& text) {
  static const std::map<std::string, Return> kCodes = {
      {"success", 0},       {"uninitialized", 1},     {"not_supported", 3},
      {"no_permission", 4}, {"driver_not_loaded", 9}, {"timeout", 10},
      {"gpu_is_lost", 15},  {"reset_required", 16},   {"unknown", 999}};
  const auto found = kCodes.find(text);
  return found != kCodes.end() ? found->second : std::atoi(text.c_str());
}

Return said(const std::string& key) {
  const auto value = find(key);
  return value ? code_of(*value) : nvml::kSuccess;
}

// Handles are numbers above 0.
Device handle(unsigned index) {
  return reinterpret_cast<Device>(static_cast<std::uintptr_t>(index) + 1);
}
unsigned index_of(Device device) {
  return static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(device)) - 1;
}
std::string key_of(Device device, const std::string& key) {
  return std::to_string(index_of(device)) + "." + key;
}

unsigned gpus() {
  const auto value = find("gpus");
  return value ? std::min(static_cast<unsigned>(std::atoi(value->c_str())), kGpusMax) : 1;
}

// What comes before every call about a GPU.
Return enter(Device device, const char* function) {
  refresh();
  if (state.fd < 0) return nvml::kUninitialized;
  if (index_of(device) >= gpus()) return nvml::kInvalidArgument;
  if (find(key_of(device, "hang"))) {
    for (;;) (void)::poll(nullptr, 0, -1);
  }
  const Return status = said(key_of(device, "status"));
  if (status != nvml::kSuccess) return status;
  const auto& without = state.script.without;
  return std::find(without.begin(), without.end(), function) != without.end()
             ? nvml::kFunctionNotFound
             : nvml::kSuccess;
}

// A line's number as it stands, or what a healthy GPU says.
template <typename Number>
Return answer(const std::string& key, long long otherwise, Number* out) {
  const auto value = find(key);
  if (value && *value == "none") return nvml::kNotSupported;
  if (value && value->starts_with("error ")) return std::atoi(value->c_str() + 6);
  *out = static_cast<Number>(value ? std::strtoll(value->c_str(), nullptr, 0) : otherwise);
  return nvml::kSuccess;
}

template <typename Number>
Return call(Device device, const char* function, const char* key, long long otherwise,
            Number* out) {
  const Return entered = enter(device, function);
  return entered != nvml::kSuccess ? entered : answer(key_of(device, key), otherwise, out);
}

Return copy(const std::string& text, char* out, unsigned bytes) {
  if (text.size() + 1 > bytes) return nvml::kInsufficientSize;
  std::memcpy(out, text.c_str(), text.size() + 1);
  return nvml::kSuccess;
}

[[maybe_unused]] std::vector<unsigned> numbers(const std::string& key) {
  std::vector<unsigned> list;
  std::istringstream words(find(key).value_or(""));
  for (unsigned number = 0; words >> number;) list.push_back(number);
  return list;
}

const std::map<unsigned, long long> kFieldDefaults = {
    {3, 0},   {4, 0},   {6, 0},   {82, 45},       {94, 0},        {142, 0},
    {143, 0}, {144, 0}, {145, 0}, {186, 120'000}, {190, 700'000}, {230, 0}};

[[maybe_unused]] void fill(Device device, nvml::FieldValue& field) {
  const std::string key = key_of(device, "field." + std::to_string(field.field));
  const std::string scoped = key + "." + std::to_string(field.scope);
  const std::string used = find(scoped) ? scoped : key;
  const auto otherwise = kFieldDefaults.find(field.field);
  if (!find(used) && otherwise == kFieldDefaults.end()) {
    field.status = nvml::kNotSupported;
    return;
  }
  long long number = 0;
  field.status = answer(used, otherwise != kFieldDefaults.end() ? otherwise->second : 0, &number);
  field.value_type = nvml::kUnsignedLongLong;
  if (const auto type = find(key + ".type")) field.value_type = std::atoi(type->c_str());
  field.value.sll = 0;
  switch (field.value_type) {
    case nvml::kDouble:
      field.value.d = std::atof(find(used).value_or("0").c_str());
      break;
    case nvml::kUnsignedInt:
      field.value.ui = static_cast<unsigned>(number);
      break;
    case nvml::kSignedInt:
      field.value.si = static_cast<int>(number);
      break;
    case nvml::kUnsignedShort:
      field.value.us = static_cast<unsigned short>(number);
      break;
    default:
      field.value.sll = number;
      break;
  }
}

}  // namespace

// ---- what every library has

FAKE_EXPORT Return nvmlInit_v2() {
  const int fd = ::open(script_path().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nvml::kDriverNotLoaded;
  state = State{};
  state.fd = fd;
  refresh();
  state.delivered = state.script.events.size();
  const Return code = said("init");
  if (code != nvml::kSuccess) {
    ::close(state.fd);
    state = State{};
  }
  return code;
}
FAKE_EXPORT Return nvmlShutdown() {
  if (state.fd >= 0) ::close(state.fd);
  state = State{};
  return nvml::kSuccess;
}
FAKE_EXPORT Return nvmlDeviceGetCount_v2(unsigned* count) {
  refresh();
  *count = gpus();
  return said("count");
}
FAKE_EXPORT Return nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  refresh();
  if (index >= gpus()) return nvml::kInvalidArgument;
  *device = handle(index);
  return said(key_of(*device, "handle"));
}
FAKE_EXPORT Return nvmlDeviceGetUUID(Device device, char* uuid, unsigned bytes) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  std::string number = std::to_string(index_of(device));
  number.insert(0, 4 - std::min<std::size_t>(number.size(), 4), '0');
  return copy(find(key_of(device, "uuid")).value_or("GPU-fake-" + number), uuid, bytes);
}
FAKE_EXPORT Return nvmlDeviceGetName(Device device, char* name, unsigned bytes) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  return copy(find(key_of(device, "name")).value_or("NVIDIA H100 80GB HBM3"), name, bytes);
}

#ifndef FAKE_NVML_MINIMAL

// ---- the rest

FAKE_EXPORT Return nvmlSystemGetDriverVersion(char* version, unsigned bytes) {
  refresh();
  return copy(find("driver_version").value_or("580.65.06"), version, bytes);
}
FAKE_EXPORT Return nvmlSystemGetNVMLVersion(char* version, unsigned bytes) {
  refresh();
  return copy(find("nvml_version").value_or("13.580.65.06"), version, bytes);
}
FAKE_EXPORT Return nvmlDeviceGetPciInfo_v3(Device device, nvml::PciInfo* pci) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  *pci = {};
  return copy(find(key_of(device, "pci_bus_id")).value_or("00000000:01:00.0"), pci->bus_id,
              sizeof(pci->bus_id));
}
FAKE_EXPORT Return nvmlDeviceGetFieldValues(Device device, int count, nvml::FieldValue* values) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  for (int i = 0; i < count; ++i) fill(device, values[i]);
  return nvml::kSuccess;
}
FAKE_EXPORT Return nvmlDeviceGetTotalEccErrors(Device device, int type, int counter,
                                               unsigned long long* count) {
  const char* key = "ecc_uncorrected_aggregate";
  if (counter == nvml::kVolatileEcc)
    key = type == nvml::kCorrected ? "ecc_corrected_volatile" : "ecc_uncorrected_volatile";
  return call(device, __func__, key, 0, count);
}
FAKE_EXPORT Return nvmlDeviceGetSramEccErrorStatus(Device device, nvml::SramEccStatus* status) {
  if (status->version != nvml::version_word<nvml::SramEccStatus>(1))
    return nvml::kArgumentVersionMismatch;
  return call(device, __func__, "sram_threshold_exceeded", 0, &status->threshold_exceeded);
}
FAKE_EXPORT Return nvmlDeviceGetRemappedRows(Device device, unsigned* correctable,
                                             unsigned* uncorrectable, unsigned* pending,
                                             unsigned* failed) {
  Return code = call(device, __func__, "remapped_correctable", 0, correctable);
  if (code == nvml::kSuccess)
    code = answer(key_of(device, "remapped_uncorrectable"), 0, uncorrectable);
  if (code == nvml::kSuccess) code = answer(key_of(device, "remap_pending"), 0, pending);
  if (code == nvml::kSuccess) code = answer(key_of(device, "remap_failed"), 0, failed);
  return code;
}
FAKE_EXPORT Return nvmlDeviceGetTemperatureV(Device device, nvml::Temperature* temperature) {
  if (temperature->version != nvml::version_word<nvml::Temperature>(1))
    return nvml::kArgumentVersionMismatch;
  return call(device, __func__, "temperature_c", 40, &temperature->temperature);
}
FAKE_EXPORT Return nvmlDeviceGetTemperature(Device device, int, unsigned* temperature) {
  return call(device, __func__, "temperature_c", 40, temperature);
}
FAKE_EXPORT Return nvmlDeviceGetTemperatureThreshold(Device device, int which,
                                                     unsigned* temperature) {
  if (which == nvml::kThresholdShutdown)
    return call(device, __func__, "shutdown_c", 95, temperature);
  return call(device, __func__, "slowdown_c", 90, temperature);
}
FAKE_EXPORT Return nvmlDeviceGetMarginTemperature(Device device, nvml::MarginTemperature* margin) {
  if (margin->version != nvml::version_word<nvml::MarginTemperature>(1))
    return nvml::kArgumentVersionMismatch;
  return call(device, __func__, "margin_c", 47, &margin->margin);
}
FAKE_EXPORT Return nvmlDeviceGetCurrentClocksEventReasons(Device device,
                                                          unsigned long long* reasons) {
  return call(device, __func__, "throttle_reasons", 0, reasons);
}
FAKE_EXPORT Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device,
                                                             unsigned long long* reasons) {
  return call(device, __func__, "throttle_reasons", 0, reasons);
}
FAKE_EXPORT Return nvmlDeviceGetPowerUsage(Device device, unsigned* mw) {
  return call(device, __func__, "power_mw", 119'000, mw);
}
FAKE_EXPORT Return nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned* mw) {
  return call(device, __func__, "power_limit_mw", 690'000, mw);
}
FAKE_EXPORT Return nvmlDeviceGetUtilizationRates(Device device, nvml::Utilization* rates) {
  const Return code = call(device, __func__, "utilisation_percent", 3, &rates->gpu);
  return code != nvml::kSuccess
             ? code
             : answer(key_of(device, "memory_utilisation_percent"), 2, &rates->memory);
}
FAKE_EXPORT Return nvmlDeviceGetMemoryInfo(Device device, nvml::Memory* memory) {
  const Return code = call(device, __func__, "memory_used_bytes", 1LL << 30, &memory->used);
  return code != nvml::kSuccess
             ? code
             : answer(key_of(device, "memory_total_bytes"), 80LL << 30, &memory->total);
}
FAKE_EXPORT Return nvmlDeviceGetCurrPcieLinkGeneration(Device device, unsigned* generation) {
  return call(device, __func__, "pcie_generation", 5, generation);
}
FAKE_EXPORT Return nvmlDeviceGetMaxPcieLinkGeneration(Device device, unsigned* generation) {
  return call(device, __func__, "pcie_generation_max", 5, generation);
}
FAKE_EXPORT Return nvmlDeviceGetCurrPcieLinkWidth(Device device, unsigned* width) {
  return call(device, __func__, "pcie_width", 16, width);
}
FAKE_EXPORT Return nvmlDeviceGetMaxPcieLinkWidth(Device device, unsigned* width) {
  return call(device, __func__, "pcie_width_max", 16, width);
}
FAKE_EXPORT Return nvmlDeviceGetPcieReplayCounter(Device device, unsigned* replays) {
  return call(device, __func__, "pcie_replays", 0, replays);
}
FAKE_EXPORT Return nvmlDeviceGetClockInfo(Device device, int clock, unsigned* mhz) {
  if (clock == nvml::kClockMemory) return call(device, __func__, "memory_clock_mhz", 2'619, mhz);
  return call(device, __func__, "sm_clock_mhz", 1'980, mhz);
}
FAKE_EXPORT Return nvmlDeviceGetPersistenceMode(Device device, int* mode) {
  return call(device, __func__, "persistence", 1, mode);
}
FAKE_EXPORT Return nvmlDeviceGetEccMode(Device device, int* current, int* pending) {
  const Return code = call(device, __func__, "ecc_enabled", 1, current);
  *pending = *current;
  return code;
}
FAKE_EXPORT Return nvmlDeviceGetMigMode(Device device, unsigned* current, unsigned* pending) {
  const Return code = call(device, __func__, "mig_enabled", 0, current);
  *pending = *current;
  return code;
}
FAKE_EXPORT Return nvmlDeviceValidateInforom(Device device) {
  int valid = 0;
  const Return code = call(device, __func__, "inforom_valid", 1, &valid);
  if (code != nvml::kSuccess) return code;
  return valid != 0 ? nvml::kSuccess : nvml::kCorruptedInforom;
}
FAKE_EXPORT Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned* count,
                                                           nvml::ProcessInfo* infos) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  const std::vector<unsigned> pids = numbers(key_of(device, "processes"));
  const auto room = *count;
  *count = static_cast<unsigned>(pids.size());
  if (pids.size() > room) return nvml::kInsufficientSize;
  for (std::size_t i = 0; i < pids.size(); ++i) infos[i] = {pids[i], 1u << 30, ~0u, ~0u};
  return nvml::kSuccess;
}
FAKE_EXPORT Return nvmlDeviceGetNvLinkState(Device device, unsigned link, int* enabled) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  const std::vector<unsigned> down = numbers(key_of(device, "links_down"));
  *enabled = std::find(down.begin(), down.end(), link) == down.end() ? nvml::kEnabled : 0;
  return nvml::kSuccess;
}

// ---- events

FAKE_EXPORT Return nvmlEventSetCreate(nvml::EventSet* set) {
  refresh();
  *set = reinterpret_cast<nvml::EventSet>(&state);
  return said("event_set");
}
FAKE_EXPORT Return nvmlEventSetFree(nvml::EventSet) {
  return nvml::kSuccess;
}
FAKE_EXPORT Return nvmlDeviceGetSupportedEventTypes(Device device, unsigned long long* types) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  *types =
      std::strtoull(find(key_of(device, "events_supported")).value_or("fe0f").c_str(), nullptr, 16);
  return nvml::kSuccess;
}
FAKE_EXPORT Return nvmlDeviceRegisterEvents(Device device, unsigned long long types,
                                            nvml::EventSet) {
  if (const Return entered = enter(device, __func__); entered != nvml::kSuccess) return entered;
  unsigned long long supported = 0;
  (void)nvmlDeviceGetSupportedEventTypes(device, &supported);
  if ((types & ~supported) != 0) return nvml::kNotSupported;
  state.registered[index_of(device)] |= types;
  return nvml::kSuccess;
}

namespace {

// The next event that somebody registered for.
std::optional<Event> next_event() {
  refresh();
  while (state.delivered < state.script.events.size()) {
    const Event event = state.script.events[state.delivered++];
    if (event.gpu >= kGpusMax || (state.registered[event.gpu] & event.type) != 0) return event;
  }
  return std::nullopt;
}

}  // namespace

FAKE_EXPORT Return nvmlEventSetWait_v2(nvml::EventSet, nvml::EventData* data, unsigned timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const auto event = next_event();
    if (const Return code = said("wait"); code != nvml::kSuccess) return code;
    if (event) {
      *data = {handle(event->gpu), event->type, event->data, ~0u, ~0u};
      return nvml::kSuccess;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          until - std::chrono::steady_clock::now())
                          .count();
    if (left <= 0) return nvml::kTimeout;
    (void)::poll(nullptr, 0, static_cast<int>(std::min<long long>(left, kStepMs)));
  }
}

#endif  // FAKE_NVML_MINIMAL

#include "daemon/health/nvml_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/health/nvml_asker.h"

namespace daemon_health {
namespace {

constexpr unsigned kDevicesMax = 64;          // of a machine; the first kGpusMax are watched
constexpr std::int64_t kInforomMs = 600'000;  // verifying it reads the card's flash

// A text that a library wrote into a buffer of ours, whatever it wrote.
template <std::size_t N>
std::string text_of(const std::array<char, N>& buffer) {
  return std::string(buffer.begin(), std::find(buffer.begin(), buffer.end(), '\0'));
}

std::string version_of(nvml::Return (*function)(char*, unsigned)) {
  std::array<char, nvml::kDriverVersionBytes> buffer{};
  if (function == nullptr || function(buffer.data(), buffer.size()) != nvml::kSuccess) return "";
  return text_of(buffer);
}

}  // namespace

NvmlReader::NvmlReader(const NvmlLibrary& library, const base::Clock& clock)
    : calls_(library.calls()), clock_(clock) {
  const bool whole = calls_.event_set_create != nullptr &&
                     calls_.supported_event_types != nullptr && calls_.register_events != nullptr &&
                     calls_.event_set_wait != nullptr && calls_.event_set_free != nullptr;
  if (!whole || calls_.event_set_create(&event_set_) != nvml::kSuccess) event_set_ = nullptr;
}

NvmlReader::~NvmlReader() {
  if (event_set_ != nullptr) (void)calls_.event_set_free(event_set_);
}

// ---- a round

GpuSnapshot NvmlReader::read() {
  const std::int64_t began = now_ms();
  GpuSnapshot snapshot;
  snapshot.round = ++round_;
  snapshot.driver_version = version_of(calls_.driver_version);
  snapshot.nvml_version = version_of(calls_.nvml_version);
  unsigned count = 0;
  const nvml::Return code = calls_.device_count(&count);
  if (code != nvml::kSuccess) {
    // It cannot be "not supported", whatever the library calls it.
    const NvmlStatus status = nvml_status(code);
    snapshot.status = status == NvmlStatus::kNotSupported ? NvmlStatus::kError : status;
    snapshot.error = fmt::format("nvmlDeviceGetCount: {} ({})", nvml_return_name(code), code);
    count = 0;
  }
  for (unsigned index = 0; index < std::min(count, kDevicesMax); ++index) {
    GpuReading reading = read_gpu(index);
    if (!reading.uuid.empty()) snapshot.gpus.push_back(std::move(reading));
  }
  snapshot.round_ms = now_ms() - began;
  snapshot.bound();
  return snapshot;
}

GpuReading NvmlReader::read_gpu(unsigned index) {
  GpuReading reading;
  reading.index = index;
  nvml::Device device = nullptr;
  const nvml::Return code = calls_.device_by_index(index, &device);
  if (code != nvml::kSuccess || device == nullptr) {
    // A GPU that is lost may not even have a handle: it is who it was.
    const auto former = by_index_.find(index);
    device = former != by_index_.end() ? former->second : nullptr;
    if (device == nullptr) return reading;
    reading.uuid = known_[device].uuid;
    const NvmlStatus status = nvml_status(code);
    reading.status = status == NvmlStatus::kOk || status == NvmlStatus::kNotSupported
                         ? NvmlStatus::kGpuIsLost
                         : status;
    hand_over_events(known_[device], reading);
    return reading;
  }
  identify(device, reading);
  if (reading.uuid.empty()) return reading;
  by_index_[index] = device;
  register_events(device);
  if (reading.status == NvmlStatus::kOk) {
    NvmlAsker asker(device);
    read_values(calls_, asker, reading);
    if (calls_.validate_inforom != nullptr && is_inforom_due(reading.uuid)) {
      const nvml::Return checked = calls_.validate_inforom(device);
      if (checked == nvml::kSuccess || checked == nvml::kCorruptedInforom)
        inforom_[reading.uuid] = checked == nvml::kSuccess;
      asker.note(checked, false);
    }
    reading.status = asker.status();
  }
  if (const auto inforom = inforom_.find(reading.uuid); inforom != inforom_.end())
    reading.inforom_valid = inforom->second;
  hand_over_events(known_[device], reading);
  return reading;
}

// Its name for ever is asked for in every round: a handle may be another GPU's after a reset.
void NvmlReader::identify(nvml::Device device, GpuReading& reading) {
  NvmlAsker asker(device);
  std::array<char, nvml::kUuidBytes> uuid{};
  std::array<char, nvml::kNameBytes> name{};
  nvml::PciInfo pci{};
  if (asker.must(calls_.device_uuid, uuid.data(), static_cast<unsigned>(uuid.size())))
    reading.uuid = text_of(uuid);
  if (asker.must(calls_.device_name, name.data(), static_cast<unsigned>(name.size())))
    reading.name = text_of(name);
  if (asker.ask(calls_.pci_info, &pci)) {
    pci.bus_id[sizeof(pci.bus_id) - 1] = '\0';
    reading.pci_bus_id = pci.bus_id;
  }
  reading.status = asker.status();
  const auto known = known_.find(device);
  if (reading.uuid.empty()) {
    if (known != known_.end()) reading.uuid = known->second.uuid;
  } else if (known == known_.end()) {
    if (known_.size() < kDevicesMax) known_[device].uuid = reading.uuid;
  } else if (known->second.uuid != reading.uuid) {
    known->second = Known{};
    known->second.uuid = reading.uuid;
  }
}

bool NvmlReader::is_inforom_due(const std::string& uuid) {
  const std::int64_t now = now_ms();
  const auto [at, first] = inforom_at_.try_emplace(uuid, now);
  if (!first && now - at->second < kInforomMs) return false;
  if (inforom_at_.size() > kDevicesMax) return false;
  at->second = now;
  return true;
}

// ---- events

void NvmlReader::register_events(nvml::Device device) {
  const auto known = known_.find(device);
  if (event_set_ == nullptr || known == known_.end() || known->second.registered) return;
  unsigned long long supported = 0;
  if (calls_.supported_event_types(device, &supported) != nvml::kSuccess) return;
  const unsigned long long wanted = supported & nvml::kEventsWanted;
  if (wanted == 0) return;
  known->second.registered = calls_.register_events(device, wanted, event_set_) == nvml::kSuccess;
}

NvmlReader::Waited NvmlReader::wait(std::uint32_t timeout_ms) {
  if (event_set_ == nullptr) return Waited::kCannot;
  const bool registered = std::any_of(known_.begin(), known_.end(),
                                      [](const auto& known) { return known.second.registered; });
  if (!registered) return Waited::kCannot;
  bool came = false;
  for (std::size_t i = 0; i < kEventsMax; ++i) {
    nvml::EventData data{};
    const nvml::Return code = calls_.event_set_wait(event_set_, &data, came ? 0 : timeout_ms);
    if (code == nvml::kTimeout) break;
    if (code != nvml::kSuccess) return came ? Waited::kEvent : Waited::kCannot;
    take_event(data);
    came = true;
  }
  return came ? Waited::kEvent : Waited::kNothing;
}

// One whose GPU is not known counts as lost for each: somebody is to look.
void NvmlReader::take_event(const nvml::EventData& data) {
  const auto found = known_.find(data.device);
  if (found == known_.end()) {
    for (auto& [device, known] : known_) ++known.events_lost;
    return;
  }
  Known& known = found->second;
  if (known.events.size() >= kEventsMax) {
    ++known.events_lost;
    return;
  }
  known.events.push_back({{data.type, data.type == kEventXid ? data.data : 0, 0}, now_ms()});
}

void NvmlReader::hand_over_events(Known& known, GpuReading& reading) const {
  for (const Pending& pending : known.events) {
    GpuEvent event = pending.event;
    event.age_ms = now_ms() - pending.at_ms;
    reading.events.push_back(event);
  }
  reading.events_lost = known.events_lost;
  known.events.clear();
  known.events_lost = 0;
}

}  // namespace daemon_health

#include "daemon/health/care_table.h"

#include <array>
#include <cstddef>

namespace daemon_health {
namespace {

using A = GpuAction;

constexpr std::string_view kNvml = "NVML API 13, nvmlReturn_t";
constexpr std::string_view kField230 = "NVML API 13, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION";
constexpr std::string_view kDcgm = "DCGM 4.6.0";
constexpr std::string_view kService = "this service";
constexpr std::string_view kNothing = "Nothing.";
constexpr std::string_view kReset =
    "Reset the GPU (nvidia-smi --gpu-reset) or reboot the machine, then clear it.";
constexpr std::string_view kReboot =
    "Reboot the machine; if it happens again, have the card, its seat and its power inspected.";
constexpr std::string_view kReplace = "Run the field diagnostics and have the card replaced.";

constexpr Advice kQuiet{A::kNone, "none", "nothing was seen", kNothing, kNvml};

constexpr std::array kStatuses = {
    kQuiet,  // ok
    kQuiet,  // not supported
    kQuiet,  // no permission
    Advice{
        A::kDrainAndRestart, "nvml timeout", "the driver does not answer in time about this GPU",
        "Nothing: the engine is started anew. If it goes on, reset the GPU or reboot the machine.",
        kNvml},
    Advice{A::kAskReboot, "nvml gpu_is_lost", "the GPU cannot be reached any more", kReboot, kNvml},
    Advice{A::kAskReset, "nvml reset_required", "the GPU must be reset before it can be used again",
           kReset, kNvml},
    Advice{A::kWatch, "nvml error", "the driver answers with an error about this GPU",
           "Look at the kernel log and at nvidia-smi; collect nvidia-bug-report if it goes on.",
           kNvml},
    Advice{A::kWatch, "nvml no_driver", "the driver cannot be asked about this GPU any more",
           "Look whether the driver is loaded and fits its library (nvidia-smi).", kNvml},
};
static_assert(kStatuses.size() == static_cast<std::size_t>(NvmlStatus::kNoDriver) + 1);

constexpr std::array kRecoveries = {
    kQuiet,
    Advice{A::kAskReset, "recovery gpu_reset", "the driver asks for a reset of the GPU", kReset,
           kField230},
    Advice{A::kAskReboot, "recovery node_reboot", "the driver asks for a reboot of the machine",
           kReboot, kField230},
    Advice{A::kWatch, "recovery drain_p2p",
           "the driver asks for an end to the traffic between GPUs",
           "Use the GPU alone, and reset it when the machine can spare it.", kField230},
    Advice{A::kAskReset, "recovery drain_and_reset",
           "the driver asks for an end to all work and a reset of the GPU", kReset, kField230},
    Advice{A::kWatch, "recovery recover_imex_domain",
           "the driver asks for a recovery of the NVLink domain between machines",
           "Look at the IMEX service if GPUs of several machines work together; else nothing.",
           kField230},
    Advice{A::kAskReset, "recovery bus_reset",
           "the driver asks for a reset of the GPU over the PCIe bus",
           "Reset the GPU over its bus or reboot the machine, then clear it.", kField230},
    Advice{A::kAskReboot, "recovery system_reboot",
           "the driver asks for a reboot of the whole system", kReboot, kField230},
    Advice{A::kQuarantine, "recovery unknown",
           "the driver asks for a recovery that is not known here",
           "Look at nvidia-smi -q, do what the driver asks for, then clear the GPU.", kField230},
};
constexpr std::size_t kUnknownRecovery = kRecoveries.size() - 1;

constexpr std::array kSignalRows = {
    SignalRow{Signal::kUncorrectedErrors,
              1,
              1,
              {A::kAskReset, "uncorrected errors", "memory has errors that could not be corrected",
               "Reset the GPU or reboot the machine, then clear it; if it happens again, run the "
               "field diagnostics.",
               kDcgm}},
    SignalRow{Signal::kCorrectedPerMinute,
              10,
              5,
              {A::kWatch, "corrected errors",
               "memory has 10 or more errors in a minute that were corrected",
               "Watch whether it goes on; run the field diagnostics if it does.", kDcgm}},
    SignalRow{Signal::kSramThreshold,
              1,
              1,
              {A::kCallForRma, "sram threshold",
               "the GPU counted more errors in its SRAM than it may have", kReplace,
               "NVIDIA GPU memory error management"}},
    SignalRow{Signal::kRemapFailed,
              1,
              1,
              {A::kCallForRma, "row remap failed",
               "a damaged row of memory could not be replaced by a spare", kReplace,
               "DCGM 4.6.0; NVIDIA GPU memory error management"}},
    SignalRow{Signal::kRemapPending,
              1,
              1,
              {A::kWatch, "row remap pending",
               "a damaged row of memory is replaced with the next reset; work may go on",
               "Reset the GPU or reboot the machine when it can be spared.",
               "NVML API 13, nvmlDeviceGetRemappedRows"}},
    SignalRow{Signal::kRemappedUncorrectable,
              512,
              512,
              {A::kWatch, "row remaps",
               "512 or more rows of memory were replaced after errors that could not be corrected",
               "Plan to have the card replaced.", kDcgm}},
    SignalRow{Signal::kRetiredPages,
              63,
              63,
              {A::kCallForRma, "retired pages", "63 or more pages of memory were taken out of use",
               kReplace, kDcgm}},
    SignalRow{Signal::kRetiredPagesRising,
              16,
              16,
              {A::kCallForRma, "retired pages rising",
               "more than 15 pages of memory were taken out of use for double bit errors, and "
               "their number rises",
               kReplace, kDcgm}},
    SignalRow{Signal::kRetirementPending,
              1,
              1,
              {A::kWatch, "page retirement pending",
               "pages of memory are taken out of use with the next reset",
               "Reset the GPU or reboot the machine when it can be spared.", kDcgm}},
    SignalRow{Signal::kPcieReplaysInExcess,
              1,
              1,
              {A::kWatch, "pcie replays",
               "more is sent again over PCIe than the link's error rate allows",
               "Look at the seat of the card and at riser or cable; the link may be slow.", kDcgm}},
    SignalRow{Signal::kNvlinkCrcPerSecond,
              100,
              50,
              {A::kAskReset, "nvlink crc", "NVLink has 100 or more damaged packets in a second",
               "Look at nvidia-smi nvlink and the bridge, reset the GPU, then clear it.", kDcgm}},
    SignalRow{Signal::kNvlinkCrcPerSecond,
              1,
              1,
              {A::kWatch, "nvlink crc some", "NVLink has damaged packets",
               "Look at nvidia-smi nvlink and the bridge.", kDcgm}},
    SignalRow{Signal::kNvlinkReplays,
              1,
              1,
              {A::kAskReset, "nvlink replays", "NVLink sent packets again",
               "Look at nvidia-smi nvlink and the bridge, reset the GPU, then clear it.", kDcgm}},
    SignalRow{Signal::kNvlinkRecoveries,
              1,
              1,
              {A::kAskReset, "nvlink recoveries", "an NVLink connection had to be set up anew",
               "Look at nvidia-smi nvlink and the bridge, reset the GPU, then clear it.", kDcgm}},
    SignalRow{Signal::kNvlinksLost,
              1,
              1,
              {A::kAskReset, "nvlink down", "an NVLink connection that was there is down",
               "Look at nvidia-smi nvlink and the peer GPU, reset the GPU, then clear it.", kDcgm}},
    SignalRow{Signal::kSlowMinutes,
              6,
              3,
              {A::kWatch, "hardware slowdown",
               "the hardware slowed the GPU down in 6 or more of the last 10 minutes",
               "Look at the cooling and at the power supply.",
               "gpud: 0.6 slowdowns a minute over 10 minutes"}},
    SignalRow{
        Signal::kPermilleOfSlowdown,
        1'000,
        950,
        {A::kWatch, "temperature", "the GPU is as hot as the hardware lets it be at full speed",
         "Look at the cooling: fans, filters, the room.", "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN"}},
    SignalRow{Signal::kPermilleOfShutdown,
              1'000,
              900,
              {A::kQuarantine, "temperature shutdown",
               "the GPU is so hot that the hardware may switch it off",
               "Repair the cooling, let the card get cold, then clear the GPU.",
               "NVML_TEMPERATURE_THRESHOLD_SHUTDOWN"}},
    SignalRow{Signal::kInforomInvalid,
              1,
              1,
              {A::kWatch, "inforom", "the InfoROM of the card is damaged",
               "Ask the hardware vendor; work may go on.", kDcgm}},
    SignalRow{Signal::kEventsLost,
              1,
              1,
              {A::kWatch, "events lost", "there were more events than could be told",
               "Look at the kernel log for XIDs.", kService}},
};

constexpr Advice kUnavailable{A::kAskReset, "event gpu_unavailable",
                              "the driver says that the GPU is not available", kReset,
                              "NVML API 13, nvmlEventTypeGpuUnavailableError"};
constexpr Advice kVanished{A::kAskReboot, "gpu gone",
                           "the GPU is not among those of the machine any more", kReboot, kService};
constexpr Advice kSilence{
    A::kWatch, "health silent", "the health role does not answer",
    "Nothing: it is started anew. If it goes on, the driver hangs: reboot the machine.", kService};
constexpr Advice kHung{
    A::kRestartEngine, "engine hung", "a step on the GPU passed its deadline",
    "Nothing: the engine is started anew. If it happens often, look at the errors beside it.",
    kService};
constexpr Advice kSticky{
    A::kRestartEngine, "cuda sticky", "the GPU answers every call with the same error",
    "Nothing: the engine is started anew. If it happens often, look at the errors beside it.",
    "CUDA driver API: errors that outlive every call"};
constexpr Advice kFailed{
    A::kRestartEngine, "engine failed",
    "the engine could not start on the GPU, or gave a wrong known answer",
    "Nothing: the engine is started anew. If it happens often, run the field diagnostics.",
    kService};
constexpr Advice kNotReleased{A::kAskReset, "not released",
                              "what the engine held on the GPU does not come free", kReset,
                              kService};
constexpr Advice kDrained{A::kRestartEngine, "drained", "the work on the GPU has come to an end",
                          kNothing, kService};
constexpr Advice kNotDrained{A::kRestartEngine, "not drained",
                             "the work on the GPU did not come to an end in time",
                             "Nothing: the engine is started anew.", kService};
constexpr Advice kResetTooOften{
    A::kQuarantine, "resets exhausted", "the GPU asks for a reset again, after it was reset before",
    "Have the card inspected and run the field diagnostics before it is cleared.", kService};
constexpr Advice kRestartedTooOften{
    A::kQuarantine, "restarts exhausted", "starting the engine anew did not help",
    "Reset the GPU, run the field diagnostics if it happens again, then clear it.", kService};

}  // namespace

const Advice& status_advice(NvmlStatus status) {
  return kStatuses[static_cast<std::size_t>(status)];
}

const Advice& recovery_advice(RecoveryAction action) {
  const auto index = static_cast<std::size_t>(action);
  return kRecoveries[index < kUnknownRecovery ? index : kUnknownRecovery];
}

std::span<const SignalRow> signal_rows() {
  return kSignalRows;
}

// NVML API 13, "Event Types".
std::uint64_t xid_of_event(std::uint64_t type) {
  switch (type) {
    case 0x2:
      return 48;  // DoubleBitEccError
    case 0x200:
      return 92;  // SingleBitEccErrorStorm
    case 0x400:
      return 63;  // DramRetirementEvent
    case 0x800:
      return 64;  // DramRetirementFailure
    case 0x1000:
      return 94;  // NonFatalPoisonError
    case 0x2000:
      return 95;  // FatalPoisonError
    case 0x8000:
      return 154;  // GpuRecoveryAction
    default:
      return 0;
  }
}

const Advice& unavailable_advice() {
  return kUnavailable;
}
const Advice& vanished_advice() {
  return kVanished;
}
const Advice& silence_advice() {
  return kSilence;
}
const Advice& hung_advice() {
  return kHung;
}
const Advice& sticky_advice() {
  return kSticky;
}
const Advice& failed_advice() {
  return kFailed;
}
const Advice& not_released_advice() {
  return kNotReleased;
}
const Advice& drained_advice() {
  return kDrained;
}
const Advice& not_drained_advice() {
  return kNotDrained;
}
const Advice& reset_too_often_advice() {
  return kResetTooOften;
}
const Advice& restarted_too_often_advice() {
  return kRestartedTooOften;
}

}  // namespace daemon_health

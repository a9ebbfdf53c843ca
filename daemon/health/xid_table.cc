#include "daemon/health/xid_table.h"

#include <array>
#include <cstddef>

namespace daemon_health {
namespace {

using B = XidBucket;

struct Row {
  std::uint16_t xid;
  XidBucket bucket;
  std::string_view name;
  std::string_view what;
};

struct BucketAdvice {
  XidBucket bucket;
  GpuAction action;
  std::string_view next_step;
  std::string_view source;
};

constexpr std::string_view kCatalogue = "NVIDIA XID catalogue";
constexpr std::string_view kOurs = "our choice: the catalogue names no action";

constexpr std::array kBuckets = {
    BucketAdvice{B::kRestartApp, GpuAction::kRestartEngine,
                 "Nothing: the engine is started anew. If it happens often, collect "
                 "nvidia-bug-report and ask for support.",
                 "NVIDIA XID catalogue: RESTART_APP"},
    BucketAdvice{B::kIgnore, GpuAction::kWatch,
                 "Nothing now. If it happens often, collect nvidia-bug-report and ask for support.",
                 "NVIDIA XID catalogue: IGNORE"},
    BucketAdvice{B::kResetGpu, GpuAction::kAskReset,
                 "Reset the GPU (nvidia-smi --gpu-reset) or reboot the machine, then clear it; if "
                 "it happens again, ask the "
                 "hardware vendor.",
                 "NVIDIA XID catalogue: RESET_GPU"},
    BucketAdvice{
        B::kRestartMachine, GpuAction::kAskReboot,
        "Reboot the machine; if it happens again, have the card, its seat and its power inspected.",
        "NVIDIA XID catalogue: RESTART_BM"},
    BucketAdvice{B::kRestartVm, GpuAction::kAskReboot,
                 "Restart the virtual machine, or the machine where there is none.",
                 "NVIDIA XID catalogue: RESTART_VM"},
    BucketAdvice{
        B::kFollowOthers, GpuAction::kWatch,
        "Nothing: it follows another error or the end of a process. Look at the errors beside it.",
        "NVIDIA XID catalogue: WORKFLOW_XID_45"},
    BucketAdvice{B::kUncorrectable, GpuAction::kAskReset,
                 "Reset the GPU or reboot the machine, then clear it; if it happens again, run the "
                 "field diagnostics.",
                 "NVIDIA XID catalogue: WORKFLOW_XID_48; DCGM 4.6.0 isolates"},
    BucketAdvice{B::kNvlink, GpuAction::kAskReset,
                 "Look at nvidia-smi nvlink and at the peer GPUs, reset the GPU or reboot the "
                 "machine, then clear it.",
                 "NVIDIA XID catalogue: WORKFLOW_NVLINK_ERR and WORKFLOW_NVLINK5_ERR"},
    BucketAdvice{B::kReadRecovery, GpuAction::kWatch,
                 "Nothing by itself: the recovery that the driver asks for is told beside it.",
                 "NVIDIA XID catalogue: XID_154"},
    BucketAdvice{B::kCheckPower, GpuAction::kQuarantine,
                 "Switch the machine off, check the power cables of the card, start it again.",
                 "NVIDIA XID catalogue: CHECK_MECHANICALS"},
    BucketAdvice{
        B::kUpdate, GpuAction::kQuarantine,
        "Bring the driver and the firmware to versions that fit each other, then clear the GPU.",
        "NVIDIA XID catalogue: UPDATE_SWFW"},
    BucketAdvice{B::kContactSupport, GpuAction::kQuarantine,
                 "Collect nvidia-bug-report and ask for support before the GPU is cleared.",
                 "NVIDIA XID catalogue: CONTACT_SUPPORT"},
    BucketAdvice{B::kCheckUvm, GpuAction::kAskReset,
                 "Look for errors of nvidia-uvm in the kernel log, reset the GPU or reboot the "
                 "machine, then clear it.",
                 "NVIDIA XID catalogue: CHECK_UVM"},
    BucketAdvice{B::kPowerSmoothing, GpuAction::kWatch,
                 "Nothing where the power supply takes the swings; else look at the temperatures "
                 "and plan a replacement.",
                 kCatalogue},
    BucketAdvice{B::kLikeAHalt, GpuAction::kAskReset,
                 "Reset the GPU or reboot the machine, then clear it; if it happens again, ask the "
                 "hardware vendor.",
                 "our choice: as XID 62 and 158, the catalogue names no action"},
    BucketAdvice{B::kReducedMemory, GpuAction::kAskReboot,
                 "Switch error correction on (nvidia-smi --ecc-config=1) and reboot the machine.",
                 kCatalogue},
    BucketAdvice{B::kUnlisted, GpuAction::kQuarantine,
                 "Look the number up in NVIDIA's catalogue, collect nvidia-bug-report and ask for "
                 "support before the GPU is cleared.",
                 kOurs},
    BucketAdvice{B::kUnknown, GpuAction::kQuarantine,
                 "Look the number up in NVIDIA's catalogue: this version does not know it. Ask for "
                 "support before the GPU is cleared.",
                 kOurs},
};

constexpr std::string_view kNotForThisGpu =
    "the driver reported an error that GPUs since Ampere should not report";

// Row n - 1 is XID n.
constexpr std::array kRows = {
    Row{1, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_FIFO_METHOD", kNotForThisGpu},
    Row{2, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_SW_METHOD", kNotForThisGpu},
    Row{3, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_UNK_METHOD", kNotForThisGpu},
    Row{4, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_CHANNEL_BUSY", kNotForThisGpu},
    Row{5, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_RUNOUT_OVERFLOW", kNotForThisGpu},
    Row{6, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_PARSE_ERR", kNotForThisGpu},
    Row{7, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_PTE_ERR", kNotForThisGpu},
    Row{8, B::kRestartApp, "ROBUST_CHANNEL_FIFO_ERROR_IDLE_TIMEOUT",
        "work on the GPU did not come to an end in time"},
    Row{9, B::kUnlisted, "ROBUST_CHANNEL_GR_ERROR_INSTANCE", kNotForThisGpu},
    Row{10, B::kUnlisted, "ROBUST_CHANNEL_GR_ERROR_SINGLE_STEP", kNotForThisGpu},
    Row{11, B::kRestartApp, "ROBUST_CHANNEL_GR_ERROR_MISSING_HW",
        "a command stream to the GPU was invalid or damaged"},
    Row{12, B::kUnlisted, "ROBUST_CHANNEL_GR_ERROR_SW_METHOD", kNotForThisGpu},
    Row{13, B::kRestartApp, "ROBUST_CHANNEL_GR_EXCEPTION",
        "a kernel did what the GPU refuses: an access out of bounds or an illegal instruction"},
    Row{14, B::kIgnore, "ROBUST_CHANNEL_FAKE_ERROR", "somebody injected an error for a test"},
    Row{15, B::kUnlisted, "ROBUST_CHANNEL_SCANLINE_TIMEOUT", kNotForThisGpu},
    Row{16, B::kUnlisted, "ROBUST_CHANNEL_VBLANK_CALLBACK_TIMEOUT", kNotForThisGpu},
    Row{17, B::kUnlisted, "ROBUST_CHANNEL_PARAMETER_ERROR", kNotForThisGpu},
    Row{18, B::kUnlisted, "ROBUST_CHANNEL_BUS_MASTER_TIMEOUT_ERROR", kNotForThisGpu},
    Row{19, B::kUnlisted, "ROBUST_CHANNEL_DISP_MISSED_NOTIFIER", kNotForThisGpu},
    Row{20, B::kUnlisted, "ROBUST_CHANNEL_MPEG_ERROR_SW_METHOD", kNotForThisGpu},
    Row{21, B::kUnlisted, "ROBUST_CHANNEL_ME_ERROR_SW_METHOD", kNotForThisGpu},
    Row{22, B::kUnlisted, "ROBUST_CHANNEL_VP_ERROR_SW_METHOD", kNotForThisGpu},
    Row{23, B::kUnlisted, "ROBUST_CHANNEL_RC_LOGGING_ENABLED", kNotForThisGpu},
    Row{24, B::kUnlisted, "ROBUST_CHANNEL_GR_SEMAPHORE_TIMEOUT", kNotForThisGpu},
    Row{25, B::kRestartApp, "ROBUST_CHANNEL_GR_ILLEGAL_NOTIFY",
        "a command stream to the GPU was illegal"},
    Row{26, B::kUnlisted, "ROBUST_CHANNEL_FIFO_ERROR_FBISTATE_TIMEOUT", kNotForThisGpu},
    Row{27, B::kUnlisted, "ROBUST_CHANNEL_VP_ERROR", kNotForThisGpu},
    Row{28, B::kUnlisted, "ROBUST_CHANNEL_VP2_ERROR", kNotForThisGpu},
    Row{29, B::kUnlisted, "ROBUST_CHANNEL_BSP_ERROR", kNotForThisGpu},
    Row{30, B::kUnlisted, "ROBUST_CHANNEL_BAD_ADDR_ACCESS", kNotForThisGpu},
    Row{31, B::kRestartApp, "ROBUST_CHANNEL_FIFO_ERROR_MMU_ERR_FLT",
        "a kernel touched memory that is not there"},
    Row{32, B::kRestartApp, "ROBUST_CHANNEL_PBDMA_ERROR",
        "a command stream was damaged on its way over PCIe"},
    Row{33, B::kUnlisted, "ROBUST_CHANNEL_SEC_ERROR", kNotForThisGpu},
    Row{34, B::kUnlisted, "ROBUST_CHANNEL_MSVLD_ERROR", kNotForThisGpu},
    Row{35, B::kUnlisted, "ROBUST_CHANNEL_MSPDEC_ERROR", kNotForThisGpu},
    Row{36, B::kUnlisted, "ROBUST_CHANNEL_MSPPP_ERROR", kNotForThisGpu},
    Row{37, B::kIgnore, "ROBUST_CHANNEL_FECS_ERR_UNIMP_FIRMWARE_METHOD",
        "the driver asked the GPU firmware for something that it does not know"},
    Row{38, B::kIgnore, "ROBUST_CHANNEL_FECS_ERR_WATCHDOG_TIMEOUT",
        "the watchdog of a GPU firmware ran out"},
    Row{39, B::kRestartApp, "ROBUST_CHANNEL_CE0_ERROR", "copy engine 0 failed"},
    Row{40, B::kRestartApp, "ROBUST_CHANNEL_CE1_ERROR", "copy engine 1 failed"},
    Row{41, B::kRestartApp, "ROBUST_CHANNEL_CE2_ERROR", "copy engine 2 failed"},
    Row{42, B::kUnlisted, "ROBUST_CHANNEL_VIC_ERROR", kNotForThisGpu},
    Row{43, B::kIgnore, "ROBUST_CHANNEL_RESETCHANNEL_VERIF_ERROR",
        "a program ran into a fault of its own making; the GPU itself is well"},
    Row{44, B::kIgnore, "ROBUST_CHANNEL_GR_FAULT_DURING_CTXSW",
        "a fault came up while the GPU changed between contexts"},
    Row{45, B::kFollowOthers, "ROBUST_CHANNEL_PREEMPTIVE_REMOVAL",
        "the driver took down what a program had left on the GPU"},
    Row{46, B::kResetGpu, "ROBUST_CHANNEL_GPU_TIMEOUT_ERROR", "the GPU stopped computing"},
    Row{47, B::kUnlisted, "ROBUST_CHANNEL_NVENC0_ERROR", kNotForThisGpu},
    Row{48, B::kUncorrectable, "ROBUST_CHANNEL_GPU_ECC_DBE",
        "an error in memory could not be corrected"},
    Row{49, B::kUnlisted, "SILENT_RUNNING_CONSTANT_LEVEL_SET_BY_REGISTRY", kNotForThisGpu},
    Row{50, B::kUnlisted, "SILENT_RUNNING_LEVEL_TRANSITION_DUE_TO_RC_ERROR", kNotForThisGpu},
    Row{51, B::kUnlisted, "SILENT_RUNNING_STRESS_TEST_FAILURE", kNotForThisGpu},
    Row{52, B::kUnlisted, "SILENT_RUNNING_LEVEL_TRANS_DUE_TO_TEMP_RISE", kNotForThisGpu},
    Row{53, B::kUnlisted, "SILENT_RUNNING_TEMP_REDUCED_CLOCKING", kNotForThisGpu},
    Row{54, B::kCheckPower, "SILENT_RUNNING_PWR_REDUCED_CLOCKING",
        "the extra power cable of the card is not connected"},
    Row{55, B::kUnlisted, "SILENT_RUNNING_TEMPERATURE_READ_ERROR", kNotForThisGpu},
    Row{56, B::kUnlisted, "DISPLAY_CHANNEL_EXCEPTION", kNotForThisGpu},
    Row{57, B::kUnlisted, "FB_LINK_TRAINING_FAILURE_ERROR", kNotForThisGpu},
    Row{58, B::kUnlisted, "FB_MEMORY_ERROR", kNotForThisGpu},
    Row{59, B::kUnlisted, "PMU_ERROR", kNotForThisGpu},
    Row{60, B::kRestartApp, "ROBUST_CHANNEL_SEC2_ERROR",
        "the security processor of the GPU refused a command"},
    Row{61, B::kUnlisted, "PMU_BREAKPOINT", kNotForThisGpu},
    Row{62, B::kResetGpu, "PMU_HALT_ERROR", "the power management processor of the GPU halted"},
    Row{63, B::kIgnore, "INFOROM_DRAM_RETIREMENT_EVENT",
        "a damaged row of memory was taken out of use; the spare takes its place with the next "
        "reset"},
    Row{64, B::kResetGpu, "INFOROM_DRAM_RETIREMENT_FAILURE",
        "a damaged row of memory could not be taken out of use"},
    Row{65, B::kUnlisted, "ROBUST_CHANNEL_NVENC1_ERROR", kNotForThisGpu},
    Row{66, B::kIgnore, "ROBUST_CHANNEL_FECS_ERR_REG_ACCESS_VIOLATION",
        "the driver touched a register that it may not touch"},
    Row{67, B::kIgnore, "ROBUST_CHANNEL_FECS_ERR_VERIF_VIOLATION",
        "the driver broke a rule of the GPU firmware"},
    Row{68, B::kRestartApp, "ROBUST_CHANNEL_NVDEC0_ERROR", "video decoder 0 failed"},
    Row{69, B::kRestartApp, "ROBUST_CHANNEL_GR_CLASS_ERROR",
        "a command does not belong to the class of its engine"},
    Row{70, B::kRestartApp, "ROBUST_CHANNEL_CE3_ERROR", "copy engine 3 failed"},
    Row{71, B::kRestartApp, "ROBUST_CHANNEL_CE4_ERROR", "copy engine 4 failed"},
    Row{72, B::kRestartApp, "ROBUST_CHANNEL_CE5_ERROR", "copy engine 5 failed"},
    Row{73, B::kUnlisted, "ROBUST_CHANNEL_NVENC2_ERROR", kNotForThisGpu},
    Row{74, B::kNvlink, "NVLINK_ERROR", "an NVLink connection failed"},
    Row{75, B::kRestartApp, "ROBUST_CHANNEL_CE6_ERROR", "copy engine 6 failed"},
    Row{76, B::kRestartApp, "ROBUST_CHANNEL_CE7_ERROR", "copy engine 7 failed"},
    Row{77, B::kRestartApp, "ROBUST_CHANNEL_CE8_ERROR", "copy engine 8 failed"},
    Row{78, B::kUpdate, "VGPU_START_ERROR", "a virtual GPU could not be started"},
    Row{79, B::kRestartMachine, "ROBUST_CHANNEL_GPU_HAS_FALLEN_OFF_THE_BUS",
        "the GPU has fallen off the bus"},
    Row{80, B::kRestartApp, "PBDMA_PUSHBUFFER_CRC_MISMATCH",
        "data was damaged on its way to the GPU"},
    Row{81, B::kUnlisted, "ROBUST_CHANNEL_VGA_SUBSYSTEM_ERROR", kNotForThisGpu},
    Row{82, B::kRestartApp, "ROBUST_CHANNEL_NVJPG0_ERROR", "JPEG engine 0 failed"},
    Row{83, B::kRestartApp, "ROBUST_CHANNEL_NVDEC1_ERROR", "video decoder 1 failed"},
    Row{84, B::kRestartApp, "ROBUST_CHANNEL_NVDEC2_ERROR", "video decoder 2 failed"},
    Row{85, B::kRestartApp, "ROBUST_CHANNEL_CE9_ERROR", "copy engine 9 failed"},
    Row{86, B::kRestartApp, "ROBUST_CHANNEL_OFA0_ERROR", "optical flow engine 0 failed"},
    Row{87, B::kUnlisted, "NVTELEMETRY_DRIVER_REPORT", kNotForThisGpu},
    Row{88, B::kRestartApp, "ROBUST_CHANNEL_NVDEC3_ERROR", "video decoder 3 failed"},
    Row{89, B::kRestartApp, "ROBUST_CHANNEL_NVDEC4_ERROR", "video decoder 4 failed"},
    Row{90, B::kUnlisted, "LTC_ERROR", kNotForThisGpu},
    Row{91, B::kUnlisted, "RESERVED_XID", kNotForThisGpu},
    Row{92, B::kIgnore, "EXCESSIVE_SBE_INTERRUPTS",
        "errors in memory that could be corrected come often"},
    Row{93, B::kIgnore, "INFOROM_ERASE_LIMIT_EXCEEDED",
        "the wear limit of the InfoROM was reached"},
    Row{94, B::kRestartApp, "ROBUST_CHANNEL_CONTAINED_ERROR",
        "an error in memory could not be corrected, and was contained: it reached one program "
        "alone"},
    Row{95, B::kResetGpu, "ROBUST_CHANNEL_UNCONTAINED_ERROR",
        "an error in memory could not be corrected and may have reached every program"},
    Row{96, B::kRestartApp, "ROBUST_CHANNEL_NVDEC5_ERROR", "video decoder 5 failed"},
    Row{97, B::kRestartApp, "ROBUST_CHANNEL_NVDEC6_ERROR", "video decoder 6 failed"},
    Row{98, B::kRestartApp, "ROBUST_CHANNEL_NVDEC7_ERROR", "video decoder 7 failed"},
    Row{99, B::kRestartApp, "ROBUST_CHANNEL_NVJPG1_ERROR", "JPEG engine 1 failed"},
    Row{100, B::kRestartApp, "ROBUST_CHANNEL_NVJPG2_ERROR", "JPEG engine 2 failed"},
    Row{101, B::kRestartApp, "ROBUST_CHANNEL_NVJPG3_ERROR", "JPEG engine 3 failed"},
    Row{102, B::kRestartApp, "ROBUST_CHANNEL_NVJPG4_ERROR", "JPEG engine 4 failed"},
    Row{103, B::kRestartApp, "ROBUST_CHANNEL_NVJPG5_ERROR", "JPEG engine 5 failed"},
    Row{104, B::kRestartApp, "ROBUST_CHANNEL_NVJPG6_ERROR", "JPEG engine 6 failed"},
    Row{105, B::kRestartApp, "ROBUST_CHANNEL_NVJPG7_ERROR", "JPEG engine 7 failed"},
    Row{106, B::kIgnore, "SMBPBI_TEST_MESSAGE", "the management controller sent a test message"},
    Row{107, B::kIgnore, "SMBPBI_TEST_MESSAGE_SILENT",
        "the management controller sent a silent test message"},
    Row{108, B::kIgnore, "NVLINK_REMOTE_TRANSLATION_ERROR",
        "an address of another GPU could not be translated"},
    Row{109, B::kResetGpu, "ROBUST_CHANNEL_CTXSW_TIMEOUT_ERROR",
        "the GPU did not change between contexts in time"},
    Row{110, B::kResetGpu, "SEC_FAULT_ERROR", "the GPU reported a security fault"},
    Row{111, B::kUnlisted, "BUNDLE_ERROR_EVENT", kNotForThisGpu},
    Row{112, B::kUnlisted, "DISP_SUPERVISOR_ERROR", kNotForThisGpu},
    Row{113, B::kUnlisted, "DP_LT_FAILURE", kNotForThisGpu},
    Row{114, B::kUnlisted, "HEAD_RG_UNDERFLOW", kNotForThisGpu},
    Row{115, B::kUnlisted, "CORE_CHANNEL_REGS", kNotForThisGpu},
    Row{116, B::kUnlisted, "WINDOW_CHANNEL_REGS", kNotForThisGpu},
    Row{117, B::kUnlisted, "CURSOR_CHANNEL_REGS", kNotForThisGpu},
    Row{118, B::kUnlisted, "HEAD_REGS", kNotForThisGpu},
    Row{119, B::kResetGpu, "GSP_RPC_TIMEOUT", "the system processor of the GPU does not answer"},
    Row{120, B::kResetGpu, "GSP_ERROR", "the system processor of the GPU failed"},
    Row{121, B::kIgnore, "C2C_ERROR", "errors on the link to the CPU were corrected"},
    Row{122, B::kUnlisted, "SPI_PMU_RPC_READ_FAIL", kNotForThisGpu},
    Row{123, B::kUnlisted, "SPI_PMU_RPC_WRITE_FAIL", kNotForThisGpu},
    Row{124, B::kUnlisted, "SPI_PMU_RPC_ERASE_FAIL", kNotForThisGpu},
    Row{125, B::kUnlisted, "INFOROM_FS_ERROR", kNotForThisGpu},
    Row{126, B::kRestartApp, "ROBUST_CHANNEL_CE10_ERROR", "copy engine 10 failed"},
    Row{127, B::kRestartApp, "ROBUST_CHANNEL_CE11_ERROR", "copy engine 11 failed"},
    Row{128, B::kRestartApp, "ROBUST_CHANNEL_CE12_ERROR", "copy engine 12 failed"},
    Row{129, B::kRestartApp, "ROBUST_CHANNEL_CE13_ERROR", "copy engine 13 failed"},
    Row{130, B::kRestartApp, "ROBUST_CHANNEL_CE14_ERROR", "copy engine 14 failed"},
    Row{131, B::kRestartApp, "ROBUST_CHANNEL_CE15_ERROR", "copy engine 15 failed"},
    Row{132, B::kRestartApp, "ROBUST_CHANNEL_CE16_ERROR", "copy engine 16 failed"},
    Row{133, B::kRestartApp, "ROBUST_CHANNEL_CE17_ERROR", "copy engine 17 failed"},
    Row{134, B::kRestartApp, "ROBUST_CHANNEL_CE18_ERROR", "copy engine 18 failed"},
    Row{135, B::kRestartApp, "ROBUST_CHANNEL_CE19_ERROR", "copy engine 19 failed"},
    Row{136, B::kResetGpu, "ALI_TRAINING_FAIL", "an NVLink connection could not be trained"},
    Row{137, B::kIgnore, "NVLINK_PRIV_ERR", "another GPU refused an access over NVLink"},
    Row{138, B::kUnlisted, "ROBUST_CHANNEL_DLA_ERROR", kNotForThisGpu},
    Row{139, B::kRestartApp, "ROBUST_CHANNEL_OFA1_ERROR", "optical flow engine 1 failed"},
    Row{140, B::kResetGpu, "UNRECOVERABLE_ECC_ERROR_ESCAPE",
        "errors in memory kept the driver from taking the damaged memory out of use"},
    Row{141, B::kIgnore, "ROBUST_CHANNEL_FAST_PATH_ERROR",
        "the fast path of the driver reported an error"},
    Row{142, B::kContactSupport, "ROBUST_CHANNEL_NVENC3_ERROR", "video encoder 3 failed"},
    Row{143, B::kResetGpu, "GPU_INIT_ERROR", "the GPU could not be initialised"},
    Row{144, B::kNvlink, "NVLINK_SAW_ERROR", "the SAW unit of NVLink reported an error"},
    Row{145, B::kNvlink, "NVLINK_RLW_ERROR", "the RLW unit of NVLink reported an error"},
    Row{146, B::kNvlink, "NVLINK_TLW_ERROR", "the TLW unit of NVLink reported an error"},
    Row{147, B::kNvlink, "NVLINK_TREX_ERROR", "the TREX unit of NVLink reported an error"},
    Row{148, B::kNvlink, "NVLINK_NVLPW_CTRL_ERROR",
        "the NVLPW_CTRL unit of NVLink reported an error"},
    Row{149, B::kNvlink, "NVLINK_NETIR_ERROR", "the NETIR unit of NVLink reported an error"},
    Row{150, B::kNvlink, "NVLINK_MSE_ERROR", "the MSE unit of NVLink reported an error"},
    Row{151, B::kRestartVm, "ROBUST_CHANNEL_KEY_ROTATION_ERROR",
        "the keys of confidential computing could not be changed"},
    Row{152, B::kIgnore, "ROBUST_CHANNEL_DLA_SMMU_ERROR",
        "the memory unit of the deep learning accelerator reported an error"},
    Row{153, B::kIgnore, "ROBUST_CHANNEL_DLA_TIMEOUT",
        "the deep learning accelerator did not answer in time"},
    Row{154, B::kReadRecovery, "GPU_RECOVERY_ACTION_CHANGED",
        "the driver asks for another recovery than before"},
    Row{155, B::kResetGpu, "NVLINK_SW_DEFINED_ERROR", "an NVLink connection was taken down"},
    Row{156, B::kResetGpu, "RESOURCE_RETIREMENT_EVENT",
        "a damaged unit of the GPU is to be taken out of use"},
    Row{157, B::kIgnore, "RESOURCE_RETIREMENT_FAILURE",
        "a damaged unit of the GPU could not be taken out of use: nothing is left that could "
        "replace it"},
    Row{158, B::kResetGpu, "GPU_FATAL_TIMEOUT", "the GPU ran into a fatal timeout"},
    Row{159, B::kCheckUvm, "ROBUST_CHANNEL_CHI_NON_DATA_ERROR",
        "the link to the CPU reported an error"},
    Row{160, B::kIgnore, "CHANNEL_RETIREMENT_EVENT",
        "a damaged memory channel is to be taken out of use"},
    Row{161, B::kIgnore, "CHANNEL_RETIREMENT_FAILURE",
        "a damaged memory channel could not be taken out of use"},
    Row{162, B::kPowerSmoothing, "PSHC_REENGAGED", "power smoothing works again"},
    Row{163, B::kPowerSmoothing, "PSHC_DISENGAGED", "power smoothing was switched off"},
    Row{164, B::kPowerSmoothing, "PSHC_LOW_LIFETIME",
        "the circuits for power smoothing are nearly worn out"},
    Row{165, B::kPowerSmoothing, "PSHC_ZERO_LIFETIME",
        "the circuits for power smoothing are worn out"},
    Row{166, B::kUnlisted, "NVLINK_SECURE_CRYPTO_ERR",
        "traffic came over NVLink before its encryption was set up"},
    Row{167, B::kLikeAHalt, "PCIE_FATAL_TIMEOUT", "the GPU did not answer on PCIe in time"},
    Row{168, B::kReducedMemory, "REDUCED_GPU_MEMORY_CAPACITY",
        "memory that the firmware needs is damaged, and error correction is off"},
    Row{169, B::kLikeAHalt, "SEC2_HALT_ERROR", "the security processor of the GPU halted"},
    Row{170, B::kUnlisted, "NVLINK_SECURE_OTHER",
        "NVLink reported an interrupt of confidential computing"},
    Row{171, B::kUncorrectable, "UNCORRECTABLE_DRAM_ERROR",
        "an error in DRAM could not be corrected"},
    Row{172, B::kUncorrectable, "UNCORRECTABLE_SRAM_ERROR",
        "an error in SRAM could not be corrected"},
};

constexpr bool rows_stand_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].xid != i + 1) return false;
  }
  return kRows.size() == kXidMax;
}
static_assert(rows_stand_in_order());

constexpr bool buckets_stand_in_order() {
  for (std::size_t i = 0; i < kBuckets.size(); ++i) {
    if (static_cast<std::size_t>(kBuckets[i].bucket) != i) return false;
  }
  return kBuckets.size() == static_cast<std::size_t>(B::kUnknown) + 1;
}
static_assert(buckets_stand_in_order());

}  // namespace

XidAdvice xid_advice(std::uint64_t xid) {
  Row row{0, B::kUnknown, "UNKNOWN", "the driver reported an error that is not known here"};
  if (xid >= 1 && xid <= kXidMax) row = kRows[xid - 1];
  const BucketAdvice& bucket = kBuckets[static_cast<std::size_t>(row.bucket)];
  return {xid, row.bucket, bucket.action, row.name, row.what, bucket.next_step, bucket.source};
}

}  // namespace daemon_health

"""Our numbers of NVIDIA's management library against those of nvidia-ml-py, NVIDIA's own Python binding.

    nvml_constants.py daemon/health/nvml_abi.h     exits 77 where nvidia-ml-py is not installed
"""
import pathlib
import re
import sys

try:
    import pynvml
except ImportError:
    print("nvidia-ml-py is not installed")
    sys.exit(77)

HEADER = pathlib.Path(sys.argv[1]).read_text()

# Ours, and what the binding calls it.
NUMBERS = {
    "kUninitialized": "NVML_ERROR_UNINITIALIZED", "kInvalidArgument": "NVML_ERROR_INVALID_ARGUMENT",
    "kNotSupported": "NVML_ERROR_NOT_SUPPORTED", "kNoPermission": "NVML_ERROR_NO_PERMISSION", "kNotFound": "NVML_ERROR_NOT_FOUND",
    "kInsufficientSize": "NVML_ERROR_INSUFFICIENT_SIZE", "kDriverNotLoaded": "NVML_ERROR_DRIVER_NOT_LOADED",
    "kTimeout": "NVML_ERROR_TIMEOUT", "kLibraryNotFound": "NVML_ERROR_LIBRARY_NOT_FOUND",
    "kFunctionNotFound": "NVML_ERROR_FUNCTION_NOT_FOUND", "kCorruptedInforom": "NVML_ERROR_CORRUPTED_INFOROM",
    "kGpuIsLost": "NVML_ERROR_GPU_IS_LOST", "kResetRequired": "NVML_ERROR_RESET_REQUIRED",
    "kLibRmVersionMismatch": "NVML_ERROR_LIB_RM_VERSION_MISMATCH", "kUnknown": "NVML_ERROR_UNKNOWN",
    "kDouble": "NVML_VALUE_TYPE_DOUBLE", "kUnsignedInt": "NVML_VALUE_TYPE_UNSIGNED_INT",
    "kUnsignedLong": "NVML_VALUE_TYPE_UNSIGNED_LONG", "kUnsignedLongLong": "NVML_VALUE_TYPE_UNSIGNED_LONG_LONG",
    "kSignedLongLong": "NVML_VALUE_TYPE_SIGNED_LONG_LONG",
    "kEccSbeVolTotal": "NVML_FI_DEV_ECC_SBE_VOL_TOTAL", "kEccDbeVolTotal": "NVML_FI_DEV_ECC_DBE_VOL_TOTAL",
    "kEccDbeAggTotal": "NVML_FI_DEV_ECC_DBE_AGG_TOTAL", "kRetiredSbe": "NVML_FI_DEV_RETIRED_SBE",
    "kRetiredDbe": "NVML_FI_DEV_RETIRED_DBE", "kRetiredPending": "NVML_FI_DEV_RETIRED_PENDING",
    "kNvlinkCrcFlitTotal": "NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL",
    "kNvlinkCrcDataTotal": "NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL",
    "kNvlinkReplayTotal": "NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL",
    "kNvlinkRecoveryTotal": "NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "kMemoryTemp": "NVML_FI_DEV_MEMORY_TEMP",
    "kNvlinkLinkCount": "NVML_FI_DEV_NVLINK_LINK_COUNT", "kPcieReplayCounter": "NVML_FI_DEV_PCIE_REPLAY_COUNTER",
    "kRemappedCor": "NVML_FI_DEV_REMAPPED_COR", "kRemappedUnc": "NVML_FI_DEV_REMAPPED_UNC",
    "kRemappedPending": "NVML_FI_DEV_REMAPPED_PENDING", "kRemappedFailure": "NVML_FI_DEV_REMAPPED_FAILURE",
    "kNvlinkErrorDlReplay": "NVML_FI_DEV_NVLINK_ERROR_DL_REPLAY", "kNvlinkErrorDlRecovery": "NVML_FI_DEV_NVLINK_ERROR_DL_RECOVERY",
    "kNvlinkErrorDlCrc": "NVML_FI_DEV_NVLINK_ERROR_DL_CRC", "kPowerInstant": "NVML_FI_DEV_POWER_INSTANT",
    "kPowerCurrentLimit": "NVML_FI_DEV_POWER_CURRENT_LIMIT", "kRecoveryAction": "NVML_FI_DEV_GET_GPU_RECOVERY_ACTION",
    "kSensorGpu": "NVML_TEMPERATURE_GPU", "kThresholdShutdown": "NVML_TEMPERATURE_THRESHOLD_SHUTDOWN",
    "kThresholdSlowdown": "NVML_TEMPERATURE_THRESHOLD_SLOWDOWN", "kClockSm": "NVML_CLOCK_SM", "kClockMemory": "NVML_CLOCK_MEM",
    "kCorrected": "NVML_MEMORY_ERROR_TYPE_CORRECTED", "kUncorrected": "NVML_MEMORY_ERROR_TYPE_UNCORRECTED",
    "kVolatileEcc": "NVML_VOLATILE_ECC", "kAggregateEcc": "NVML_AGGREGATE_ECC",
}



def ours(name):
    found = re.search(rf"\b{name} =\s*(\d+);", HEADER)
    return int(found[1]) if found else None


wrong = []
checked = 0
for name, theirs in NUMBERS.items():
    if not hasattr(pynvml, theirs):
        continue
    checked += 1
    if ours(name) != getattr(pynvml, theirs):
        wrong.append(f"{name}: {ours(name)}, {theirs} is {getattr(pynvml, theirs)}")
for event in ("DoubleBitEccError", "XidCriticalError"):
    checked += 1
    wanted = re.search(r"kEventsWanted =\s*([^;]*);", HEADER)[1]
    mask = sum(int(word, 16) for word in re.findall(r"0x[0-9a-fA-F]+", wanted))
    if not mask & getattr(pynvml, f"nvmlEventType{event}"):
        wrong.append(f"nvmlEventType{event} is not asked for")
# Every function that is called by name is one that the binding calls too.
library = (pathlib.Path(sys.argv[1]).parent / "nvml_library.cc").read_text()
binding = pathlib.Path(pynvml.__file__).read_text()
for function in re.findall(r'"(nvml\w+)"', library):
    checked += 1
    if f'"{function}"' not in binding and f"def {function.removesuffix('_v2')}(" not in binding:
        wrong.append(f"{function}: not in the binding")
for line in wrong:
    print(line)
print(f"nvml constants: {checked} checked, {len(wrong)} wrong")
sys.exit(1 if wrong or checked < len(NUMBERS) else 0)

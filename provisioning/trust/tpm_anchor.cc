#include "provisioning/trust/tpm_anchor.h"

#include <fmt/format.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include <utility>

namespace provisioning {
namespace {

constexpr UINT16 kCounterBytes = 8;

struct FreeTss {
  void operator()(void* memory) const { Esys_Free(memory); }
};
template <typename T>
using TssPtr = std::unique_ptr<T, FreeTss>;

// The response code's own part: layers and parameter numbers are for the text.
base::Error tpm_error(TSS2_RC code, std::string_view doing) {
  constexpr TSS2_RC kBadAuth = TPM2_RC_BAD_AUTH;
  constexpr TSS2_RC kFormatOneMask = 0x0bf;  // TPM 2.0 Library, part 2, "Format-One Response Codes"
  const bool from_tpm = (code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER;
  std::string text = fmt::format("{}: {}", doing, Tss2_RC_Decode(code));
  if (from_tpm && (code & TPM2_RC_FMT1) != 0 &&
      (code & kFormatOneMask) == (kBadAuth & kFormatOneMask)) {
    return base::denied(text + " (a password is set that this does not know)");
  }
  return {base::ErrorCode::kDevice, 0, std::move(text)};
}

base::Status check(TSS2_RC code, std::string_view doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  return tpm_error(code, doing);
}

// A connection to the TPM for a few commands.
class Tpm {
 public:
  static base::Result<std::unique_ptr<Tpm>> connect(const std::string& tcti) {
    auto tpm = std::make_unique<Tpm>();
    TRY(check(Tss2_TctiLdr_Initialize(tcti.c_str(), &tpm->tcti_), "reach the TPM as " + tcti));
    TRY(check(Esys_Initialize(&tpm->esys_, tpm->tcti_, nullptr), "talk to the TPM"));
    return tpm;
  }

  Tpm() = default;
  Tpm(const Tpm&) = delete;
  Tpm& operator=(const Tpm&) = delete;
  ~Tpm() {
    if (esys_ != nullptr) Esys_Finalize(&esys_);
    if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
  }

  base::Result<bool> has(std::uint32_t nv_index) {
    TPMI_YES_NO more = TPM2_NO;
    TPMS_CAPABILITY_DATA* raw = nullptr;
    TRY(check(Esys_GetCapability(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                 nv_index, 1, &more, &raw),
              "list the TPM's NV indices"));
    const TssPtr<TPMS_CAPABILITY_DATA> data(raw);
    return data->data.handles.count > 0 && data->data.handles.handle[0] == nv_index;
  }

  // kNotFound when there is no such index, kDenied when it is no counter of ours.
  base::Status select(std::uint32_t nv_index) {
    if (!TRY(has(nv_index)))
      return base::not_found(fmt::format("the TPM has no NV index 0x{:08x}", nv_index));
    TRY(check(
        Esys_TR_FromTPMPublic(esys_, nv_index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &index_),
        "look at the TPM's NV index"));
    TPM2B_NV_PUBLIC* raw = nullptr;
    TPM2B_NAME* raw_name = nullptr;
    TRY(check(Esys_NV_ReadPublic(esys_, index_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw,
                                 &raw_name),
              "look at the TPM's NV index"));
    const TssPtr<TPM2B_NV_PUBLIC> data(raw);
    const TssPtr<TPM2B_NAME> name(raw_name);
    const TPMA_NV attributes = data->nvPublic.attributes;
    const bool counter =
        (attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT == TPM2_NT_COUNTER;
    if (!counter || data->nvPublic.dataSize != kCounterBytes) {
      return base::denied(fmt::format("NV index 0x{:08x} is there and is not a counter", nv_index));
    }
    written_ = (attributes & TPMA_NV_WRITTEN) != 0;
    return {};
  }

  // Anybody who reaches the TPM may count it up and read it: it proves that nobody counted it down.
  base::Status define(std::uint32_t nv_index) {
    TPM2B_NV_PUBLIC data = {};
    data.nvPublic.nvIndex = nv_index;
    data.nvPublic.nameAlg = TPM2_ALG_SHA256;
    data.nvPublic.attributes = (TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT) | TPMA_NV_OWNERREAD |
                               TPMA_NV_OWNERWRITE | TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE |
                               TPMA_NV_NO_DA;
    data.nvPublic.dataSize = kCounterBytes;
    const TPM2B_AUTH no_password = {};
    return check(Esys_NV_DefineSpace(esys_, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &no_password, &data, &index_),
                 "define the TPM's counter");
  }

  bool written() const { return written_; }

  // Requires select().
  base::Result<std::uint64_t> read() {
    TPM2B_MAX_NV_BUFFER* raw = nullptr;
    TRY(check(Esys_NV_Read(esys_, index_, index_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           kCounterBytes, 0, &raw),
              "read the TPM's counter"));
    const TssPtr<TPM2B_MAX_NV_BUFFER> data(raw);
    if (data->size != kCounterBytes)
      return base::Error{base::ErrorCode::kDevice, 0, "the TPM's counter has another size"};
    std::uint64_t value = 0;
    for (int i = 0; i < kCounterBytes; ++i) value = value << 8 | data->buffer[i];
    return value;
  }

  base::Status advance() {
    return check(
        Esys_NV_Increment(esys_, index_, index_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
        "advance the TPM's counter");
  }

 private:
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR index_ = ESYS_TR_NONE;
  bool written_ = false;
};

class TpmAnchor final : public Anchor {
 public:
  explicit TpmAnchor(AnchorSettings settings) : settings_(std::move(settings)) {}

  std::string describe() const override {
    return fmt::format("tpm2 nv 0x{:08x}", settings_.nv_index);
  }

  base::Result<std::optional<std::uint64_t>> read() override {
    const auto tpm = TRY(connect());
    return std::optional<std::uint64_t>(TRY(tpm->read()));
  }

  base::Status advance() override { return TRY(connect())->advance(); }

 private:
  base::Result<std::unique_ptr<Tpm>> connect() const {
    auto tpm = TRY(Tpm::connect(settings_.tcti));
    TRY(tpm->select(settings_.nv_index));
    return tpm;
  }

  AnchorSettings settings_;
};

}  // namespace

std::unique_ptr<Anchor> make_tpm_anchor(AnchorSettings settings) {
  return std::make_unique<TpmAnchor>(std::move(settings));
}

base::Result<std::uint64_t> create_tpm_counter(const AnchorSettings& settings) {
  const auto tpm = TRY(Tpm::connect(settings.tcti));
  if (!TRY(tpm->has(settings.nv_index))) TRY(tpm->define(settings.nv_index));
  TRY(tpm->select(settings.nv_index));
  if (!tpm->written()) TRY(tpm->advance());  // until then it has no value to read
  return tpm->read();
}

}  // namespace provisioning

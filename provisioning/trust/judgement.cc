#include "provisioning/trust/judgement.h"

#include <fmt/format.h>

#include <algorithm>

#include "provisioning/trust/product_version.h"
#include "provisioning/utc_time.h"

namespace provisioning {
namespace {

constexpr std::int64_t kFutureToleranceSeconds = 24 * 3'600;

std::string join(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, ", "));
}

// A clock may stand anywhere; what documents say was bounded when they were read.
std::string show_time(std::int64_t unix_seconds) {
  return format_utc_time(std::clamp<std::int64_t>(unix_seconds, 0, kUtcTimeMax));
}

base::Status check_product(const Release& release, const TrustRoot& root, const SiteFacts& site) {
  if (release.product != site.product || release.product != root.product) {
    return base::denied(fmt::format("made for product {}, and this is {}, with a trust root for {}",
                                    release.product, site.product, root.product));
  }
  const auto needed = TRY(parse_product_version(release.product_min).context("product_min"));
  const auto present =
      TRY(parse_product_version(site.product_version).context("the version of this product"));
  if (present < needed) {
    return base::denied(fmt::format("needs {} {} or newer, and this is {}", release.product,
                                    release.product_min, site.product_version));
  }
  return {};
}

base::Status check_site(const Release& release, const TrustRoot& root) {
  if (release.sites.empty()) return {};
  if (std::find(release.sites.begin(), release.sites.end(), root.site) != release.sites.end())
    return {};
  const std::string here =
      root.site.empty() ? "this one has no name" : fmt::format("this is \"{}\"", root.site);
  return base::denied(fmt::format("made for the sites {}, and {}", join(release.sites), here));
}

base::Status check_hardware(const Release& release, const SiteFacts& site) {
  const bool runs = std::any_of(
      release.backends.begin(), release.backends.end(), [&](const std::string& backend) {
        return std::find(site.backends.begin(), site.backends.end(), backend) !=
               site.backends.end();
      });
  if (!runs) {
    return base::denied(fmt::format("made for the backends {}, and this machine has {}",
                                    join(release.backends),
                                    site.backends.empty() ? "none" : join(site.backends)));
  }
  if (site.memory_bytes != 0 && release.memory_bytes_min > site.memory_bytes) {
    return base::denied(fmt::format("needs {} bytes of memory, and this machine has {}",
                                    release.memory_bytes_min, site.memory_bytes));
  }
  return {};
}

base::Status check_sequence(const Floors& floors, JudgedRelease& judged) {
  const Release& release = judged.release;
  const auto found = floors.lines.find(release.name);
  const Floors::Line line = found == floors.lines.end() ? Floors::Line{} : found->second;
  if (release.sequence < line.sequence) {
    return base::denied(
        fmt::format("sequence {} of {} is behind {}, which was accepted here before",
                    release.sequence, release.name, line.sequence));
  }
  // A floor that a trust root has set names no release: it says which sequence is the first to be
  // good again.
  if (release.sequence == line.sequence && !line.release_id.empty()) {
    judged.repeated = judged.id == line.release_id;
    if (judged.repeated) return {};
    return base::denied(
        fmt::format("sequence {} of {} was accepted here as release {}, and this is release {}",
                    release.sequence, release.name, line.release_id, judged.id));
  }
  if (release.sequence - line.sequence > kSequenceJumpMax) {
    return base::denied(
        fmt::format("sequence {} of {} is more than {} ahead of {}; only a trust root may raise "
                    "the floor so far",
                    release.sequence, release.name, kSequenceJumpMax, line.sequence));
  }
  return {};
}

// Before the floor: for certain, whatever the clock says. Before the clock: as the policy has it,
// since clocks are set by hand where no network is.
base::Status check_expiry(std::string_view what, std::int64_t expires, const TrustRoot& root,
                          const Floors& floors, std::int64_t now,
                          std::vector<std::string>& warnings) {
  if (expires < floors.time) {
    return base::denied(
        fmt::format("the {} expired on {}, and it is {} at least, as signed documents say", what,
                    show_time(expires), show_time(floors.time)));
  }
  if (expires >= now) return {};
  std::string said = fmt::format("the {} expired on {}, and the clock says {}", what,
                                 show_time(expires), show_time(now));
  if (root.refuse_expired) return base::denied(std::move(said));
  warnings.push_back(std::move(said));
  return {};
}

base::Status check_times(const TrustRoot& root, const Floors& floors, std::int64_t now,
                         JudgedRelease& judged) {
  const Release& release = judged.release;
  if (now < floors.time) {
    judged.warnings.push_back(fmt::format("the clock says {}, and it is {} at least: set it",
                                          show_time(now), show_time(floors.time)));
  }
  if (root.expires)
    TRY(check_expiry("trust root", *root.expires, root, floors, now, judged.warnings));
  if (release.expires)
    TRY(check_expiry("release", *release.expires, root, floors, now, judged.warnings));
  const std::int64_t known = std::max(now, floors.time);
  if (release.issued > known && release.issued - known > kFutureToleranceSeconds) {
    judged.warnings.push_back(fmt::format("issued on {}, and it is {} by all we know",
                                          show_time(release.issued), show_time(known)));
  }
  return {};
}

}  // namespace

base::Result<JudgedRelease> open_release(std::string_view envelope_text, const TrustRoot& root) {
  Dsse envelope =
      TRY(parse_dsse(envelope_text, kReleasePayloadType, kReleaseBytesMax).context("release"));
  JudgedRelease judged;
  judged.signers = TRY(check_signatures(envelope, root, root.release).context("release"));
  judged.id = release_id(envelope.payload);
  if (root.revoked_releases.contains(judged.id)) {
    return base::denied(
        fmt::format("release {} was revoked by trust root {}", judged.id, root.version));
  }
  judged.release = TRY(parse_release(envelope.payload));
  judged.payload = std::move(envelope.payload);
  return judged;
}

base::Result<JudgedRelease> judge_release(std::string_view envelope_text, const TrustRoot& root,
                                          const Floors& floors, const SiteFacts& site) {
  auto judged = TRY(open_release(envelope_text, root));
  TRY(check_product(judged.release, root, site).context("release"));
  TRY(check_site(judged.release, root).context("release"));
  TRY(check_hardware(judged.release, site).context("release"));
  TRY(check_sequence(floors, judged).context("release"));
  TRY(check_times(root, floors, site.now, judged));
  return judged;
}

}  // namespace provisioning

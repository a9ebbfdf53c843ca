#include "daemon/audit/log/verify_sealed.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "daemon/audit/log/journal_format.h"
#include "hardening/base/file.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace daemon_audit {
namespace {

constexpr std::size_t kPieceBytes = 65'536;
constexpr std::size_t kUnfinishedMax = 4'096;

using Digest16 = std::array<std::byte, 16>;

Digest16 shorten(std::span<const std::byte> digest) {
  Digest16 head{};
  std::copy_n(digest.begin(), head.size(), head.begin());
  return head;
}

class SealedWalk {
 public:
  SealedWalk(LogFiles& files, const SealedRequest& request, Findings& findings)
      : files_(files), request_(request), findings_(findings) {}

  SealedFacts run() {
    auto& references = request_.references;
    std::sort(references.begin(), references.end(), [](const auto& a, const auto& b) {
      return a.digest != b.digest ? a.digest < b.digest : a.index < b.index;
    });
    // One text may be named twice only by somebody who repeats a record; it is one file.
    references.erase(std::unique(references.begin(), references.end(),
                                 [](const auto& a, const auto& b) { return a.digest == b.digest; }),
                     references.end());
    seen_.resize(references.size());
    const auto folder = open_folder(files_.directory(), "sealed", "sealed", findings_);
    if (folder) {
      for_each_name(*folder, "sealed", findings_, [&](const std::string& name) {
        group(*folder, name);
        return !findings_.full();
      });
    }
    if (!findings_.full()) count_missing();
    return std::move(facts_);
  }

 private:
  void group(const base::Fd& parent, const std::string& name) {
    const std::string path = "sealed/" + name;
    if (name.size() != 2 || !base::from_hex(name).ok()) {
      return findings_.add(quoted(path), "does not belong to a log");
    }
    const auto folder = open_folder(parent, name, path, findings_);
    if (!folder) return;
    for_each_name(*folder, path, findings_, [&](const std::string& child) {
      if (child.starts_with(".new-")) {
        if (facts_.unfinished.size() < kUnfinishedMax) {
          facts_.unfinished.push_back(path + "/" + child);
        }
        return !findings_.full();
      }
      const auto digest = base::from_hex(child);
      if (!digest.ok() || digest.value().size() != kHashBytes || !child.starts_with(name)) {
        findings_.add(quoted(path + "/" + child), "does not belong to a log");
      } else {
        file(*folder, child, path + "/" + child, digest.value());
      }
      return !findings_.full();
    });
  }

  void file(const base::Fd& folder, const std::string& name, const std::string& path,
            std::span<const std::byte> digest) {
    const auto opened = base::open_beneath(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!opened.ok()) {
      // Retention may have been here.
      if (!request_.live || opened.error().code != base::ErrorCode::kNotFound)
        findings_.add(path, opened.error().message);
      return;
    }
    const auto size = base::regular_file_size(opened.value());
    if (!size.ok()) return findings_.add(path, size.error().message);
    if (size.value() > kSealedFileBytesMax) {
      return findings_.add(path,
                           fmt::format("{} bytes, limit {}", size.value(), kSealedFileBytesMax));
    }
    if (!hashes_to(opened.value(), digest)) {
      return findings_.add(path, "its content is not what its name says");
    }
    find(opened.value(), path, shorten(digest), size.value());
  }

  bool hashes_to(const base::Fd& fd, std::span<const std::byte> digest) {
    provisioning::Sha256 hash;
    std::array<std::byte, kPieceBytes> piece;
    // What grows while we read is not read beyond the limit.
    for (std::uint64_t total = 0; total <= kSealedFileBytesMax;) {
      const auto got = base::read_full(fd, piece);
      if (!got.ok()) return false;
      if (got.value() == 0) break;
      hash.update(std::span(piece).first(got.value()));
      total += got.value();
      files_.count(got.value());
    }
    const auto found = hash.finish();
    return std::equal(found.begin(), found.end(), digest.begin(), digest.end());
  }

  void find(const base::Fd& fd, const std::string& path, const Digest16& digest,
            std::uint64_t bytes) {
    const auto& references = request_.references;
    const auto place =
        std::lower_bound(references.begin(), references.end(), digest,
                         [](const SealedReference& a, const Digest16& b) { return a.digest < b; });
    if (place == references.end() || place->digest != digest) {
      struct stat info {};
      const bool new_one =
          request_.live && ::fstat(fd.get(), &info) == 0 && info.st_ctim.tv_sec >= request_.begun_s;
      if (!new_one) findings_.add(path, "no record names it");
      return;
    }
    seen_[static_cast<std::size_t>(place - references.begin())] = true;
    ++facts_.found;
    if (place->bytes != bytes) {
      findings_.add(path,
                    fmt::format("{} bytes; entry {} says {}", bytes, place->index, place->bytes));
    }
  }

  void count_missing() {
    std::vector<Digest16> waiting;
    for (const Hash& digest : request_.in_journal) waiting.push_back(shorten(digest));
    std::sort(waiting.begin(), waiting.end());
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const SealedReference& reference = request_.references[i];
      if (seen_[i]) continue;
      if (std::binary_search(waiting.begin(), waiting.end(), reference.digest)) {
        ++facts_.found;
        continue;
      }
      ++facts_.missing;
      facts_.missing_last = std::max(facts_.missing_last, reference.index);
    }
  }

  LogFiles& files_;
  const SealedRequest& request_;
  Findings& findings_;
  std::vector<bool> seen_;
  SealedFacts facts_;
};

}  // namespace

SealedFacts check_sealed(LogFiles& files, const SealedRequest& request, Findings& findings) {
  return SealedWalk(files, request, findings).run();
}

}  // namespace daemon_audit

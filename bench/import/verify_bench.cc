#include "bench/import/verify_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bench/machine_load.h"
#include "bench/options.h"
#include "bench/statistics.h"
#include "hardening/base/clock.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "provisioning/file_verifier.h"
#include "provisioning/sha256.h"

namespace bench {
namespace {

using base::Result;
using base::Status;
using provisioning::PiecedFile;
using provisioning::Sha256Digest;

constexpr std::size_t kPieceBytes = PiecedFile::kPieceBytes;

// Memory as the verifier's, which it is compared with.
class Pages {
 public:
  static Result<Pages> create(std::size_t bytes) {
    void* const data =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) return base::exhausted("no memory for the file");
    (void)::madvise(data, bytes, MADV_HUGEPAGE);
    return Pages({static_cast<std::byte*>(data), bytes});
  }
  Pages(Pages&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Pages& operator=(Pages&&) = delete;
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
  }
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  explicit Pages(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

Result<base::Fd> open_model(const std::string& path) {
  return base::open_file(path, O_RDONLY);
}

Status drop_cached(const std::string& path) {
  const base::Fd file = TRY(open_model(path));
  if (::fdatasync(file.get()) != 0) return base::io_error(errno, "fdatasync");
  const int error = ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  return error == 0 ? Status() : base::io_error(error, "posix_fadvise");
}

struct Digests {
  std::vector<Sha256Digest> pieces;
  Sha256Digest chunks{};

  PiecedFile expected(std::uint64_t size) const {
    return {size, {}, chunks, std::as_bytes(std::span(pieces))};
  }
};

Result<Digests> digest(const std::string& path) {
  const base::Fd file = TRY(open_model(path));
  Digests digests;
  std::vector<std::byte> piece(kPieceBytes);
  for (;;) {
    const std::size_t got = TRY(base::read_full(file, piece));
    if (got == 0) break;
    digests.pieces.push_back(provisioning::sha256(std::span(piece).first(got)));
  }
  digests.chunks = provisioning::sha256(std::as_bytes(std::span(digests.pieces)));
  return digests;
}

// Fills memory with the file, one piece at a time, the threads taking turns.
Status read_only(const base::Fd& file, std::span<std::byte> bytes, unsigned threads) {
  std::mutex reading;
  std::size_t done = 0;
  Status failure;
  const auto work = [&] {
    for (;;) {
      const std::lock_guard lock(reading);
      const auto piece = bytes.subspan(done, std::min(kPieceBytes, bytes.size() - done));
      if (piece.empty() || !failure.ok()) return;
      const auto got = base::read_full(file, piece);
      if (!got.ok()) failure = got.error();
      done += piece.size();
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  return failure;
}

struct Way {
  std::string_view name;
  std::string_view key;
  std::function<Status(const base::Fd&)> run;
  std::vector<double> ms{};
};

// Opening included, giving the memory back not.
Result<double> time_ms(const std::string& path, const Way& way) {
  const base::SystemClock clock;
  const std::int64_t began_ns = clock.monotonic_ns();
  const base::Fd file = TRY(open_model(path));
  TRY(way.run(file));
  return static_cast<double>(clock.monotonic_ns() - began_ns) / 1e6;
}

void print(std::uint64_t size, const std::vector<Way>& ways, double foreign) {
  for (const Way& way : ways) {
    fmt::print("  {:<34} {:8.1f} ms {:6.2f} GB/s   smallest {:.1f}, largest {:.1f}\n", way.name,
               median(way.ms), static_cast<double>(size) / 1e6 / median(way.ms),
               *std::min_element(way.ms.begin(), way.ms.end()),
               *std::max_element(way.ms.begin(), way.ms.end()));
  }
  const double added = median(ways[0].ms) - median(ways[1].ms);
  fmt::print("  verification adds {:.1f} ms; others took {:.0f} % of the processors\n", added,
             100 * foreign);
}

Status write_json(const std::string& path, std::uint64_t size, const std::vector<Way>& ways) {
  base::Json report = base::Json::object({{"bytes", size}});
  for (const Way& way : ways) report.set(std::string(way.key), median(way.ms));
  return base::replace_file(path, report.dump() + "\n", 0644);
}

Status verify_bench(int argc, char** argv) {
  const Options options =
      TRY(Options::parse(argc, argv, {"--threads", "--rounds", "--cached", "--json"}));
  if (options.arguments().size() != 1) return base::invalid_input("one file is needed");
  const std::string& path = options.arguments()[0];
  const std::size_t rounds = std::max<std::uint64_t>(1, TRY(options.number("--rounds", 7)));
  const auto threads = static_cast<unsigned>(
      std::clamp<std::uint64_t>(TRY(options.number("--threads", 2)), 1, 1024));
  const bool cached = options.text("--cached", "no") == "yes";

  const std::uint64_t size = TRY(base::regular_file_size(TRY(open_model(path))));
  if (size == 0) return base::invalid_input("the file is empty");
  const Digests digests = TRY(digest(path));
  std::optional<base::VerifiedFile> verified;  // outlives the timing, as do the pages
  std::optional<Pages> pages;
  const auto fill = [&](const base::Fd& file, unsigned count) -> Status {
    pages.emplace(TRY(Pages::create(size)));
    return read_only(file, pages->bytes(), count);
  };
  std::vector<Way> ways{
      {"verified", "verified_ms",
       [&](const base::Fd& file) -> Status {
         verified.emplace(TRY(
             provisioning::FileVerifier::read_pieces(file, path, digests.expected(size), threads)));
         return {};
       }},
      {"read by as many threads", "read_ms",
       [&](const base::Fd& file) { return fill(file, threads); }},
      {"read by one thread", "read_alone_ms", [&](const base::Fd& file) { return fill(file, 1); }},
  };
  const MachineLoad load;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (Way& way : ways) {
      verified.reset();
      pages.reset();
      if (!cached) TRY(drop_cached(path));
      way.ms.push_back(TRY(time_ms(path, way)));
    }
  }
  fmt::print("{}  {} bytes, {}, {} threads, medians of {}\n", path, size,
             cached ? "in the page cache" : "from the disk", threads, rounds);
  print(size, ways, load.foreign_share());
  const std::string json = options.text("--json", "");
  return json.empty() ? Status() : write_json(json, size, ways);
}

}  // namespace

int run_verify_bench(int argc, char** argv) {
  const Status status = verify_bench(argc, argv);
  if (status.ok()) return 0;
  fmt::print(stderr, "verify: {}\n", status.error().message);
  return 1;
}

}  // namespace bench

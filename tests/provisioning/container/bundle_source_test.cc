// What a bundle may not be, in each of its three forms; and sizes around the powers of two where
// others have failed.
#include "provisioning/container/bundle_source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "provisioning/container/entry_names.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/container/split.h"
#include "provisioning/container/tar_profile.h"
#include "tests/provisioning/container/small_bundle.h"

namespace provisioning {
namespace {

namespace fs = std::filesystem;

struct Change {
  const char* what;
  std::function<void(const SmallBundle& bundle)> make;
};

TEST(DirectorySource, RefusesEverythingThatTheStatementDoesNotName) {
  const auto write = [](const char* name, const char* text) {
    return [=](const SmallBundle& bundle) {
      fs::remove(bundle.path(name));
      bundle.scratch().write(name, text);
    };
  };
  const auto link = [](const char* name, const char* target) {
    return [=](const SmallBundle& bundle) {
      fs::remove_all(bundle.path(name));
      fs::create_symlink(target, bundle.path(name));
    };
  };
  const Change changes[] = {
      {"a file more, at the end", write("d/zzz", "x")},
      {"a file more, in front", write("d/aaa", "x")},
      {"a file more, in between", write("d/model/y", "x")},
      {"a hidden file", write("d/model/.x", "x")},
      {"another statement", write("d/1.root.dsse", "{}")},
      {"an empty directory",
       [](const SmallBundle& b) { fs::create_directory(b.path("d/model/void")); }},
      {"a missing file", [](const SmallBundle& b) { fs::remove(b.path("d/model/empty.bin")); }},
      {"a missing directory", [](const SmallBundle& b) { fs::remove_all(b.path("d/model/sub")); }},
      {"no statement", [](const SmallBundle& b) { fs::remove(b.path("d/release.dsse")); }},
      {"a shorter file", write("d/model/config.json", "{")},
      {"a longer file", write("d/model/config.json", "{} ")},
      {"another file of the same size", write("d/model/config.json", "[]")},
      {"a symbolic link for a file", link("d/model/config.json", "../../model/config.json")},
      {"a symbolic link for a directory", link("d/model/sub", "../../model/sub")},
      {"a dangling symbolic link", link("d/model/config.json", "nowhere")},
      {"a symbolic link for the statement", link("d/release.dsse", "../golden.json")},
      {"a FIFO for a file",
       [](const SmallBundle& b) {
         fs::remove(b.path("d/model/config.json"));
         ASSERT_EQ(::mkfifo(b.path("d/model/config.json").c_str(), 0600), 0);
       }},
      {"a FIFO more",
       [](const SmallBundle& b) { ASSERT_EQ(::mkfifo(b.path("d/model/fifo").c_str(), 0600), 0); }},
      {"a FIFO for the statement",
       [](const SmallBundle& b) {
         fs::remove(b.path("d/release.dsse"));
         ASSERT_EQ(::mkfifo(b.path("d/release.dsse").c_str(), 0600), 0);
       }},
      {"a directory for a file",
       [](const SmallBundle& b) {
         fs::remove(b.path("d/model/config.json"));
         b.scratch().write("d/model/config.json/x", "{}");
       }},
      {"nine levels", write("d/model/1/2/3/4/5/6/7/8/9", "x")},
      {"a name of 256 bytes",
       [](const SmallBundle& b) {
         b.scratch().write("d/model/" + std::string(120, 'a') + "/" + std::string(130, 'b'), "x");
       }},
  };
  for (const Change& change : changes) {
    const SmallBundle bundle;
    bundle.make("d");
    ASSERT_TRUE(bundle.check("d").ok());
    change.make(bundle);
    EXPECT_FALSE(bundle.check("d").ok()) << change.what;
  }
}

TEST(DirectorySource, SaysWhatIsTooMuch) {
  const SmallBundle bundle;
  bundle.make("d");
  bundle.scratch().write("d/model/\x1b[2Jy", "x");
  const auto status = bundle.check("d");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message.find('\x1b'), std::string::npos);
  EXPECT_NE(status.error().message.find("\\u001b[2Jy"), std::string::npos)
      << status.error().message;
}

TEST(DirectorySource, NoticesAFileThatChangesItsSizeWhileItIsRead) {
  for (const auto size : {10'000u, 70'001u}) {
    const SmallBundle bundle;
    const auto made = bundle.make("d");
    const auto source = bundle.open("d");
    ASSERT_TRUE(source.ok());
    ASSERT_TRUE(read_claims(*source.value()).ok());
    std::vector<std::byte> piece(20'000);
    base::Status status;
    for (const ReleaseFile& file : made.release.files) {
      ASSERT_TRUE(source.value()->begin_file(file, 0).ok());
      if (file.name != "model/sub/x.gguf") continue;
      ASSERT_EQ(source.value()->read(piece).value(), piece.size());
      fs::permissions(bundle.path("d/model/sub/x.gguf"), fs::perms::owner_all);
      fs::resize_file(bundle.path("d/model/sub/x.gguf"), size);
      for (;;) {
        const auto got = source.value()->read(piece);
        if (!got.ok()) status = got.error();
        if (!got.ok() || got.value() == 0) break;
      }
      break;
    }
    EXPECT_FALSE(status.ok()) << size;
  }
}

TEST(ArchiveSource, RefusesEveryOtherArchive) {
  const SmallBundle bundle;
  const auto made = bundle.make("good.rdb");
  const std::string good = bundle.scratch().read("good.rdb");
  const auto member_at = [&](const std::string& name) {
    const auto* const file = made.release.find(name);
    return good.find(encode_tar_header(name, file->size));
  };
  const std::size_t config = member_at("model/config.json");
  const std::size_t empty = member_at("model/empty.bin");
  const std::size_t sub = member_at("model/sub/x.gguf");
  ASSERT_NE(config, good.npos);
  ASSERT_NE(sub, good.npos);
  const std::string end(kTarEndBytes, '\0');
  const std::string member = encode_tar_header("model/extra", 0);
  const std::pair<const char*, std::string> archives[] = {
      {"nothing", ""},
      {"one byte", "r"},
      {"without its end", good.substr(0, good.size() - 1024)},
      {"with half its end", good.substr(0, good.size() - 512)},
      {"a byte more", good + std::string(1, '\0')},
      {"a block more", good + std::string(512, '\0')},
      {"another archive behind", good + good},
      {"a member behind the end", good + member + end},
      {"a member more", good.substr(0, good.size() - 1024) + member + end},
      {"a member more in between", good.substr(0, config) + member + good.substr(config)},
      {"a member twice",
       good.substr(0, empty) + good.substr(config, empty - config) + good.substr(empty)},
      {"a member less", good.substr(0, config) + good.substr(empty)},
      {"members exchanged", good.substr(0, config) + good.substr(empty, sub - empty) +
                                good.substr(config, empty - config) + good.substr(sub)},
      {"a directory member in between", good.substr(0, config) +
                                            encode_tar_header("model", 0).replace(156, 1, "5") +
                                            good.substr(config)},
      {"without model.sig", good.substr(0, 512 + kReleaseRoomBytes) +
                                good.substr(512 + kReleaseRoomBytes + 512 + kSignatureRoomBytes)},
      {"something in the padding", std::string(good).replace(config + 512 + 100, 1, "x")},
      {"a flipped byte", std::string(good).replace(sub + 512 + 5, 1, "x")},
      {"blocks of zeros in front", end + good},
      {"gzip", std::string("\x1f\x8b\x08\0\0\0\0\0", 8) + std::string(2000, 'z')},
      {"zstd", std::string("\x28\xb5\x2f\xfd", 4) + std::string(2000, 'z')},
      {"zip", std::string("PK\x03\x04", 4) + std::string(2000, 'z')},
      {"7z", std::string("7z\xbc\xaf\x27\x1c", 6) + std::string(2000, 'z')},
      {"rar", std::string("Rar!\x1a\x07\x01\0", 8) + std::string(2000, 'z')},
      {"cpio", "070701" + std::string(2000, '0')},
      {"mtree", "#mtree\nrelease.dsse type=file\n" + std::string(2000, '\n')},
      {"warc", "WARC/1.0\r\n" + std::string(2000, 'z')},
      {"uuencode", "begin 644 release.dsse\n" + std::string(2000, 'z')},
      {"ar", "!<arch>\n" + std::string(2000, ' ')},
      {"iso", std::string(0x8001, '\0') + "CD001" + std::string(5000, '\0')},
  };
  ASSERT_TRUE(bundle.check("good.rdb").ok());
  for (const auto& [what, bytes] : archives) {
    bundle.scratch().write("bad.rdb", bytes);
    EXPECT_FALSE(bundle.check("bad.rdb").ok()) << what;
  }
}

TEST(ArchiveSource, NoTruncationPasses) {
  const SmallBundle bundle;
  bundle.make("good.rdb");
  const std::string good = bundle.scratch().read("good.rdb");
  for (std::size_t bytes = 0; bytes < good.size(); bytes += 1024 * 3 + 1) {
    bundle.scratch().write("cut.rdb", good.substr(0, bytes));
    EXPECT_FALSE(bundle.check("cut.rdb").ok()) << bytes;
  }
}

TEST(BundleSource, RefusesWhatIsNeitherFileNorDirectory) {
  const ScratchDirectory scratch;
  ASSERT_EQ(::mkfifo((scratch / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(open_bundle(base::open_file(scratch / "fifo", O_RDONLY | O_NONBLOCK).value()).ok());
  EXPECT_FALSE(open_bundle(base::open_file("/dev/zero", O_RDONLY).value()).ok());
  EXPECT_FALSE(open_bundle(base::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))).ok());
  EXPECT_FALSE(open_bundle(scratch.open()).ok()) << "an empty directory but for a FIFO";
}

// A sparse bundle of one big file: its last bytes are read after a jump, as when an import goes on.
constexpr std::uint64_t kSizes[] = {(1ull << 31) - 1, 1ull << 31, (1ull << 32) - 1, 1ull << 32,
                                    (1ull << 33) + 1};

FileDigests read_tail(BundleSource& source, const ReleaseFile& file) {
  MultiHash hash;
  EXPECT_TRUE(source.begin_file(file, (file.size - 1) / kChunkBytes * kChunkBytes).ok());
  std::vector<std::byte> piece(1u << 20);
  for (;;) {
    const auto got = source.read(piece);
    EXPECT_TRUE(got.ok());
    if (!got.ok() || got.value() == 0) break;
    hash.update(std::span(piece).first(got.value()));
  }
  return hash.finish();
}

Sha256Digest zeros_then(std::uint64_t bytes, char last) {
  std::string text(static_cast<std::size_t>(bytes), '\0');
  text.back() = last;
  return sha256(text);
}

void put(const base::Fd& file, std::uint64_t at, std::string_view text) {
  ASSERT_EQ(::pwrite(file.get(), text.data(), text.size(), static_cast<off_t>(at)),
            static_cast<ssize_t>(text.size()));
}

TEST(BundleSource, SeesTheLastByteOfFilesAroundThePowersOfTwo) {
  for (const std::uint64_t size : kSizes) {
    const ReleaseFile file{.name = "model/x", .size = size};
    const std::uint64_t tail = size - (size - 1) / kChunkBytes * kChunkBytes;
    for (const char last : {'\0', '\1'}) {
      const ScratchDirectory scratch;
      scratch.write("d/release.dsse", "{}");
      scratch.write("d/model/x", "");
      fs::resize_file(scratch / "d/model/x", size);
      put(base::open_file(scratch / "d/model/x", O_WRONLY).value(), size - 1, std::string(1, last));
      const auto directory =
          open_bundle(base::open_file(scratch / "d", O_RDONLY | O_DIRECTORY).value());
      ASSERT_TRUE(directory.ok());
      EXPECT_EQ(read_tail(*directory.value(), file).sha256, zeros_then(tail, last)) << size;
      EXPECT_TRUE(directory.value()->finish().ok());

      scratch.write("a.rdb", encode_tar_header("release.dsse", 2) + "{}" + std::string(510, '\0') +
                                 encode_tar_header("model.sig", 0) +
                                 encode_tar_header("model/x", size));
      const std::uint64_t data_at = fs::file_size(scratch / "a.rdb");
      fs::resize_file(scratch / "a.rdb", data_at + size + tar_padding(size) + kTarEndBytes);
      put(base::open_file(scratch / "a.rdb", O_WRONLY).value(), data_at + size - 1,
          std::string(1, last));
      const auto archive = open_bundle(base::open_file(scratch / "a.rdb", O_RDONLY).value());
      ASSERT_TRUE(archive.ok());
      EXPECT_EQ(archive.value()->read_release().value(), "{}");
      EXPECT_EQ(archive.value()->read_signature().value(), "");
      EXPECT_EQ(read_tail(*archive.value(), file).sha256, zeros_then(tail, last)) << size;
      const auto end = archive.value()->finish();
      EXPECT_TRUE(end.ok()) << end.error().message;
    }
  }
}

}  // namespace
}  // namespace provisioning

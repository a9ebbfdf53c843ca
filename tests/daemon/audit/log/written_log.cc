#include "tests/daemon/audit/log/written_log.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "daemon/audit/log/journal_format.h"
#include "daemon/audit/tlog/checkpoint.h"
#include "daemon/audit/tlog/cosignature.h"
#include "daemon/audit/tlog/text_fields.h"
#include "daemon/audit/tlog/tile.h"
#include "hardening/base/check.h"
#include "hardening/base/hex.h"
#include "provisioning/sha256.h"

namespace audit_test {
namespace {

using base::Json;
using daemon_audit::Hash;
using daemon_audit::kTileWidth;
using daemon_audit::TileName;

template <typename T>
T must(base::Result<T> result) {
  if (!result.ok()) fmt::print(stderr, "{}\n", result.error().message);
  CHECK(result.ok());
  return std::move(result).value();
}

// RFC 6962 section 2.1, as it is written there.
Hash merkle_root(std::span<const Hash> leaves) {
  if (leaves.empty()) return daemon_audit::hash_empty_tree();
  if (leaves.size() == 1) return leaves[0];
  std::size_t half = 1;
  while (half * 2 < leaves.size()) half *= 2;
  return daemon_audit::hash_node(merkle_root(leaves.first(half)),
                                 merkle_root(leaves.subspan(half)));
}

std::vector<Hash> leaves_of(std::span<const std::string> texts) {
  std::vector<Hash> leaves;
  for (const std::string& text : texts) leaves.push_back(daemon_audit::hash_leaf(text));
  return leaves;
}

std::string sign_root(std::span<const std::string> texts, const daemon_audit::SignerKey& key) {
  return must(daemon_audit::sign_checkpoint({.origin = key.verifier().name(),
                                             .size = texts.size(),
                                             .root = merkle_root(leaves_of(texts))},
                                            key));
}

}  // namespace

Script::Script() : key_(must(daemon_audit::SignerKey::generate("redoubt/test"))) {
  open();
}

std::uint64_t Script::add(std::string_view type, Json body) {
  const auto* event = daemon_audit::find_event_type(type);
  CHECK(event != nullptr);
  time_us += 1000;
  monotonic_us += 1000;
  daemon_audit::Record record;
  record.index = records_.size();
  record.time_us = time_us;
  record.monotonic_us = monotonic_us;
  record.boot = boot;
  record.host = "test";
  record.role = event->reporter;
  record.type = type;
  record.body = std::move(body);
  records_.push_back(std::move(record));
  return records_.size() - 1;
}

std::uint64_t Script::admit(std::string_view id, std::string_view sealed) {
  Json body = Json::object({{"request", id}});
  if (!sealed.empty()) {
    body.set("sealed", Json::object({{"digest", base::to_hex(provisioning::sha256(sealed))},
                                     {"bytes", static_cast<std::uint64_t>(sealed.size())}}));
  }
  return add("request.admitted", std::move(body));
}

std::uint64_t Script::finish(std::string_view id, std::uint64_t admitted) {
  return add("request.finished", Json::object({{"request", id}, {"admitted", admitted}}));
}

void Script::open() {
  add("log.opened", Json::object({{"size", static_cast<std::uint64_t>(size())},
                                  {"vkey", key_.verifier().text()}}));
}

void Script::close() {
  add("log.closed", Json::object({{"size", static_cast<std::uint64_t>(size())}}));
}

void Script::fill(std::size_t count) {
  while (size() < count) {
    add("auth.failed", Json::object({{"client", "192.0.2.1"}, {"reason", "unknown"}}));
  }
}

std::vector<std::string> Script::texts() const {
  std::vector<std::string> texts;
  for (const auto& record : records_) texts.push_back(must(record.serialize()));
  return texts;
}

Files Script::files() const {
  const auto all = texts();
  Files files = tile_files(all);
  files["checkpoint"] = checkpoint_of(all, key_);
  files["log.vkey"] = key_.verifier().text() + "\n";
  files["key"] = must(key_.pem()).expose_text();
  return files;
}

Files tile_files(const std::vector<std::string>& texts) {
  Files files;
  const auto put = [&](TileName name, std::size_t count, auto serialize) {
    for (std::size_t begin = 0; begin < count; begin += kTileWidth) {
      name.number = begin / kTileWidth;
      name.width = static_cast<std::uint32_t>(std::min<std::size_t>(kTileWidth, count - begin));
      files[daemon_audit::tile_path(name)] = serialize(begin, name.width);
    }
  };
  put({.entries = true}, texts.size(), [&](std::size_t begin, std::size_t width) {
    return daemon_audit::serialize_bundle(std::span(texts).subspan(begin, width));
  });
  std::vector<Hash> hashes = leaves_of(texts);
  for (std::uint32_t level = 0; !hashes.empty(); ++level) {
    put({.entries = false, .level = level}, hashes.size(),
        [&](std::size_t begin, std::size_t width) {
          return daemon_audit::serialize_hashes(std::span(hashes).subspan(begin, width));
        });
    std::vector<Hash> above;
    for (std::size_t i = 0; i + kTileWidth <= hashes.size(); i += kTileWidth) {
      above.push_back(merkle_root(std::span(hashes).subspan(i, kTileWidth)));
    }
    hashes = std::move(above);
  }
  return files;
}

std::string checkpoint_of(const std::vector<std::string>& texts,
                          const daemon_audit::SignerKey& key) {
  return sign_root(texts, key);
}

std::string journal_of(const std::vector<std::string>& texts, std::uint64_t first,
                       std::size_t batch, const daemon_audit::SignerKey& key) {
  std::string out;
  daemon_audit::FrameCheck chain{};
  daemon_audit::append_state_frame(out, chain,
                                   {.first = first, .writers = {}, .open_requests = {}});
  for (std::size_t begin = first; begin < texts.size(); begin += batch) {
    const std::size_t end = std::min(begin + batch, texts.size());
    const std::string note = sign_root(std::span(texts).first(end), key);
    daemon_audit::JournalBatchView view{
        .first = begin, .entries = {}, .sealed = {}, .checkpoint = note};
    for (std::size_t i = begin; i < end; ++i) {
      view.entries.push_back({.writer = 7, .number = i + 1, .record = texts[i]});
    }
    daemon_audit::append_batch_frame(out, chain, view);
  }
  return out;
}

Witness::Witness(std::string name)
    : signer_(must(daemon_audit::SignerKey::generate(name))),
      key_(must(daemon_audit::VerifierKey::create(
          name, daemon_audit::NoteKeyType::kCosignatureEd25519, signer_.verifier().public_key()))) {
}

std::string Witness::cosign(const std::string& note, std::uint64_t time) const {
  const auto parsed = must(daemon_audit::Note::parse(note));
  // An Ed25519 signature over other words: those of C2SP tlog-cosignature.
  const std::string words = daemon_audit::cosigned_text(time, parsed.text);
  const auto signed_words =
      must(daemon_audit::Note::parse(words + "\n" + must(signer_.sign(words))));
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(key_.id() >> shift);
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(time >> shift);
  bytes += signed_words.signatures[0].bytes;
  return note +
         fmt::format("\xE2\x80\x94 {} {}\n", key_.name(), daemon_audit::encode_base64(bytes));
}

void write_files(const std::string& directory, const Files& files) {
  for (const auto& [path, bytes] : files) {
    const std::filesystem::path whole = std::filesystem::path(directory) / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole, std::ios::binary) << bytes;
    if (path == "key") ::chmod(whole.c_str(), 0600);
  }
}

Files read_files(const std::string& directory) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[std::filesystem::relative(entry.path(), directory).string()] =
        std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

std::string sealed_path(std::string_view content) {
  const std::string digest = base::to_hex(provisioning::sha256(content));
  return "sealed/" + digest.substr(0, 2) + "/" + digest;
}

}  // namespace audit_test

// A small release and its files, staged as an importer would, for the tests of the store.
#ifndef TESTS_PROVISIONING_STORE_STAGED_RELEASE_H_
#define TESTS_PROVISIONING_STORE_STAGED_RELEASE_H_

#include <map>
#include <string>

#include "hardening/base/hex.h"
#include "provisioning/container/multi_hash.h"
#include "provisioning/store/model_store.h"
#include "provisioning/store/object_list.h"
#include "provisioning/store/staging.h"
#include "tests/provisioning/scratch_directory.h"
#include "tests/provisioning/trust/trust_documents.h"

namespace store_test {

using Files = std::map<std::string, std::string>;  // contents by name

inline provisioning::FileDigests digests_of(std::string_view text) {
  provisioning::MultiHash hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.finish();
}

inline std::string hex_of(std::string_view text) {
  return base::to_hex(digests_of(text).sha256);
}

inline provisioning::Release release_of(const Files& files) {
  std::vector<provisioning::ReleaseFile> list;
  for (const auto& [name, text] : files) {
    const auto digests = digests_of(text);
    list.push_back({name, digests.bytes, digests.sha256, digests.sha384, digests.chunks_digest});
  }
  auto release = trust_test::make_release();
  if (!files.contains(release.golden)) release.golden.clear();
  release.evaluations.clear();
  trust_test::set_files(release, std::move(list));
  return release;
}

// Reads `text` from `from` on, in pieces of odd sizes.
inline provisioning::Staging::Reader reader_of(const std::string& text, std::size_t from = 0) {
  return [&text, at = from](std::span<std::byte> out) mutable -> base::Result<std::size_t> {
    const std::size_t count = std::min({out.size(), std::size_t{999'999}, text.size() - at});
    std::copy_n(std::as_bytes(std::span(text)).begin() + static_cast<std::ptrdiff_t>(at), count,
                out.begin());
    at += count;
    return count;
  };
}

inline provisioning::Staging::Expected expected_of(const std::string& text) {
  const std::string wanted = hex_of(text);
  return {wanted, text.size(), [wanted](const provisioning::FileDigests& found) -> base::Status {
            if (base::to_hex(found.sha256) == wanted) return {};
            return base::denied("sha256 is " + base::to_hex(found.sha256));
          }};
}

inline base::Status stage(provisioning::ModelStore& store, const std::string& id,
                          const Files& files, std::string_view release_text) {
  const base::Fd directory = TRY(store.open_staging({0, 0}));
  auto staging = TRY(provisioning::Staging::open(directory, TRY(store.open_objects()), id));
  provisioning::HashThreads hash;
  std::vector<provisioning::StoredObject> objects;
  for (const auto& [name, text] : files) {
    objects.push_back({hex_of(text), text.size()});
    if (staging.in_store(hex_of(text), text.size()) || staging.finished(hex_of(text), text.size()))
      continue;
    TRY(staging.take(expected_of(text), hash, reader_of(text), [](std::uint64_t) {}));
  }
  TRY(staging.put("release.dsse", release_text));
  return staging.put("objects", provisioning::serialize_object_list(objects));
}

inline provisioning::StoredModel about(const std::string& id,
                                       const provisioning::Release& release) {
  provisioning::StoredModel model;
  model.id = id;
  model.name = release.name;
  model.sequence = release.sequence;
  model.version = release.version;
  model.imported = 1'795'284'000;
  model.signers = {std::string(64, 'a')};
  return model;
}

}  // namespace store_test

#endif  // TESTS_PROVISIONING_STORE_STAGED_RELEASE_H_

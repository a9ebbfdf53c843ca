// A bundle as it is written: room for the two signed texts first, then the files, then the texts.
// It stands beside its place until commit() and appears there by one rename.
#ifndef PROVISIONING_CONTAINER_BUNDLE_WRITER_H_
#define PROVISIONING_CONTAINER_BUNDLE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hardening/base/result.h"

namespace provisioning {

class BundleWriter {
 public:
  // Dropped without commit(): nothing is left of it.
  virtual ~BundleWriter() = default;

  virtual base::Status begin_file(std::string_view name, std::uint64_t size) = 0;
  virtual base::Status write(std::span<const std::byte> bytes) = 0;
  // Requires the size that begin_file() was told.
  virtual base::Status end_file() = 0;
  // Writes the two texts and makes everything durable. kExhausted when a text has no room.
  virtual base::Status commit(std::string_view release, std::string_view signature) = 0;
};

struct BundleRoom {
  std::size_t release_bytes = 0;
  std::size_t signature_bytes = 0;
};

// One .rdb; replaces a file of that name.
base::Result<std::unique_ptr<BundleWriter>> create_archive(std::string path,
                                                           const BundleRoom& room);
// A directory, which must not exist yet.
base::Result<std::unique_ptr<BundleWriter>> create_directory_bundle(std::string path);

}  // namespace provisioning

#endif  // PROVISIONING_CONTAINER_BUNDLE_WRITER_H_

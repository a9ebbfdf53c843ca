#include "tests/provisioning/mutations/mutator.h"

#include <fmt/format.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include <algorithm>
#include <array>
#include <span>

#include "provisioning/base64.h"
#include "provisioning/container/entry_names.h"
#include "provisioning/container/tar_profile.h"
#include "provisioning/signatures/dsse.h"
#include "tests/provisioning/mutations/accepted_change.h"

namespace mutations {
namespace {

constexpr std::size_t kBlock = provisioning::kTarBlockBytes;

std::size_t skip_blocks(std::size_t bytes) {
  return bytes + provisioning::tar_padding(bytes);
}

// Both alphabets of RFC 4648, from the standard to the other.
void to_url_safe(std::string& text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
}

// Where a JSON text's member of that name begins its value; npos when there is none.
std::size_t value_of(const std::string& text, std::string_view name, std::size_t from = 0) {
  const std::string key = fmt::format("\"{}\":\"", name);
  const auto at = text.find(key, from);
  return at == text.npos ? at : at + key.size();
}

// Replaces the text from `at` to the next quotation mark.
template <typename Change>
bool change_value(std::string& text, std::size_t at, const Change& change) {
  if (at == std::string::npos) return false;
  const auto end = text.find('"', at);
  if (end == std::string::npos) return false;
  text.replace(at, end - at, change(text.substr(at, end - at)));
  return true;
}

}  // namespace

Mutation Mutator::next() {
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      return change_bytes();
    case 3:
      return change_blocks();
    case 4:
      return splice();
    case 5:
      return change_text();
    case 6:
      return change_payload();
    default:
      return change_members();
  }
}

std::size_t Mutator::below(std::size_t end) {
  return end == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
}

// Most of a small archive is padding: each of its regions has the same chance, whatever its size.
std::size_t Mutator::offset() {
  const std::size_t release = kBlock;
  const std::size_t signature_header = release + provisioning::kReleaseRoomBytes;
  const std::size_t signature = signature_header + kBlock;
  const std::size_t files = signature + provisioning::kSignatureRoomBytes;
  std::size_t behind = files;
  for (const auto& [name, content] : one_.files) {
    behind +=
        provisioning::encode_tar_header(name, content.size()).size() + skip_blocks(content.size());
  }
  const std::array<std::pair<std::size_t, std::size_t>, 8> regions{{
      {0, release},
      {release, release + one_.release.size()},
      {release + one_.release.size(), signature_header},
      {signature_header, signature},
      {signature, signature + one_.signature.size()},
      {signature + one_.signature.size(), files},
      {files, behind},
      {behind, archive_.size()},
  }};
  const auto& [begin, end] = regions[below(regions.size())];
  return begin + below(end - begin);
}

std::size_t Mutator::length(std::size_t from) {
  const std::size_t most = archive_.size() - from;
  return 1 + below(std::min<std::size_t>(most, std::size_t{1} << below(14)));
}

Mutation Mutator::change_bytes() {
  std::string archive = archive_;
  const std::size_t at = offset();
  const std::size_t count = length(at);
  const auto byte = static_cast<char>(below(256));
  switch (below(6)) {
    case 0: {
      const std::size_t bit = below(8);
      archive[at] = static_cast<char>(archive[at] ^ (1 << bit));
      return {fmt::format("flip bit {} at {}", bit, at), std::move(archive)};
    }
    case 1:
      archive[at] = byte;
      return {fmt::format("set {} at {}", static_cast<unsigned char>(byte), at),
              std::move(archive)};
    case 2:
      archive.insert(at, below(2) == 0 ? 1 : count, byte);
      return {fmt::format("insert at {}", at), std::move(archive)};
    case 3:
      archive.erase(at, count);
      return {fmt::format("delete {} at {}", count, at), std::move(archive)};
    case 4:
      archive.insert(at, archive_.substr(at, count));
      return {fmt::format("repeat {} at {}", count, at), std::move(archive)};
    default: {
      const std::size_t to = std::min(offset(), archive.size() - count);
      archive.replace(to, count, archive_.substr(at, count));
      return {fmt::format("copy {} from {} to {}", count, at, to), std::move(archive)};
    }
  }
}

Mutation Mutator::change_blocks() {
  std::string archive = archive_;
  const std::size_t blocks = archive.size() / kBlock;
  const std::size_t one = offset() / kBlock;
  const std::size_t two = offset() / kBlock;
  switch (below(6)) {
    case 0:
      std::swap_ranges(archive.begin() + static_cast<std::ptrdiff_t>(one * kBlock),
                       archive.begin() + static_cast<std::ptrdiff_t>((one + 1) * kBlock),
                       archive.begin() + static_cast<std::ptrdiff_t>(two * kBlock));
      return {fmt::format("swap blocks {} and {}", one, two), std::move(archive)};
    case 1:
      archive.insert(two * kBlock, archive_.substr(one * kBlock, kBlock));
      return {fmt::format("insert block {} at {}", one, two), std::move(archive)};
    case 2:
      archive.erase(one * kBlock, kBlock);
      return {fmt::format("delete block {}", one), std::move(archive)};
    case 3:
      archive.resize(below(2) == 0 ? below(blocks) * kBlock : offset());
      return {fmt::format("cut at {}", archive.size()), std::move(archive)};
    case 4:
      archive.append(below(2) == 0 ? kBlock : 1 + below(2 * kBlock), static_cast<char>(below(2)));
      return {fmt::format("extend to {}", archive.size()), std::move(archive)};
    default:
      std::fill_n(archive.begin() + static_cast<std::ptrdiff_t>(one * kBlock), kBlock, '\0');
      return {fmt::format("clear block {}", one), std::move(archive)};
  }
}

// The beginning of one valid bundle and the end of another.
Mutation Mutator::splice() {
  const bool forth = below(2) == 0;
  const std::string& front = forth ? archive_ : other_archive_;
  const std::string& back = forth ? other_archive_ : archive_;
  const std::size_t at = below(2) == 0 ? offset() / kBlock * kBlock : offset();
  const std::size_t cut = std::min({at, front.size(), back.size()});
  return {fmt::format("{} at {}", forth ? "the other's end" : "the other's beginning", cut),
          front.substr(0, cut) + back.substr(cut)};
}

std::string Mutator::edit_text(std::string text, std::string& what) {
  const std::size_t at = below(text.size());
  constexpr std::string_view kSpaces = " \t\r\n";
  switch (below(8)) {
    case 0:
      what = fmt::format("white space at {}", at);
      return text.insert(at, 1, kSpaces[below(kSpaces.size())]);
    case 1:
      what = "white space behind a comma";
      if (const auto comma = text.find(',', at); comma != text.npos) text.insert(comma + 1, "\n ");
      return text;
    case 2:
      what = fmt::format("a byte at {}", at);
      return text.insert(at, 1, static_cast<char>(below(256)));
    case 3:
      what = fmt::format("without the byte at {}", at);
      return text.erase(at, 1);
    case 4:
      what = "the other alphabet throughout a value";
      change_value(text, value_of(text, below(2) == 0 ? "payload" : "sig"), [](std::string value) {
        to_url_safe(value);
        return value;
      });
      return text;
    case 5:
      what = fmt::format("an escape at {}", at);
      return text.replace(at, 1, fmt::format("\\u{:04x}", static_cast<unsigned char>(text[at])));
    case 6:
      what = "the twin of a signature";
      change_value(text, value_of(text, "sig", below(2) == 0 ? 0 : text.size() / 2),
                   [](const std::string& value) { return twin_signature(value); });
      return text;
    default:
      what = "another key id";
      change_value(text, value_of(text, "keyid"),
                   [&](const std::string& value) { return std::string(value.size(), 'a'); });
      return text;
  }
}

Mutation Mutator::change_text() {
  Bundle changed = one_;
  std::string what;
  const bool release = below(2) == 0;
  std::string& text = release ? changed.release : changed.signature;
  text = edit_text(text, what);
  return {fmt::format("{}: {}", release ? "release.dsse" : "model.sig", what), changed.archive()};
}

// What is signed, changed and encoded as it should be, under the signatures there are.
Mutation Mutator::change_payload() {
  Bundle changed = one_;
  const bool release = below(2) == 0;
  std::string& text = release ? changed.release : changed.signature;
  std::string what = "nothing";
  change_value(text, value_of(text, "payload"), [&](const std::string& value) {
    const auto bytes = provisioning::from_base64(value);
    std::string payload(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
    const std::size_t at = below(payload.size());
    switch (below(5)) {
      case 0:
        payload[at] = static_cast<char>(payload[at] ^ (1 << below(8)));
        break;
      case 1:
        payload.insert(at, 1, ' ');
        break;
      case 2:
        payload.erase(at, 1);
        break;
      case 3:
        payload += ' ';
        break;
      default:
        if (const auto digit = payload.find_first_of("0123456789", at); digit != payload.npos) {
          payload[digit] = payload[digit] == '9' ? '8' : static_cast<char>(payload[digit] + 1);
        }
    }
    what = fmt::format("payload near {}", at);
    return provisioning::to_base64(std::as_bytes(std::span(payload)));
  });
  return {fmt::format("{}: {}", release ? "release.dsse" : "model.sig", what), changed.archive()};
}

Mutation Mutator::change_members() {
  Bundle changed = one_;
  const std::size_t one = below(changed.files.size());
  const std::size_t two = below(changed.files.size());
  switch (below(9)) {
    case 0:
      changed.release = other_.release;
      return {"the other's release.dsse", changed.archive()};
    case 1:
      changed.signature = other_.signature;
      return {"the other's model.sig", changed.archive()};
    case 2:
      changed.files = other_.files;
      return {"the other's files", changed.archive()};
    case 3:
      changed.files[one] = other_.files[one];
      return {fmt::format("the other's {}", changed.files[one].first), changed.archive()};
    case 4:
      std::swap(changed.files[one].second, changed.files[two].second);
      return {fmt::format("contents of files {} and {} swapped", one, two), changed.archive()};
    case 5:
      std::swap(changed.files[one], changed.files[two]);
      return {fmt::format("files {} and {} swapped", one, two), changed.archive()};
    case 6:
      changed.files.erase(changed.files.begin() + static_cast<std::ptrdiff_t>(one));
      return {fmt::format("without file {}", one), changed.archive()};
    case 7:
      changed.files.insert(changed.files.begin() + static_cast<std::ptrdiff_t>(two),
                           changed.files[one]);
      return {fmt::format("file {} once more at {}", one, two), changed.archive()};
    default: {
      std::string& content = changed.files[one].second;
      const std::size_t at = below(content.size());
      content[at] = static_cast<char>(content[at] ^ (1 << below(8)));
      return {fmt::format("file {}: a bit at {}", one, at), changed.archive()};
    }
  }
}

}  // namespace mutations

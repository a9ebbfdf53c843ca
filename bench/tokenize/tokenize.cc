#include "bench/tokenize/tokenize.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hardening/base/clock.h"
#include "hardening/base/fd.h"
#include "hardening/base/file.h"
#include "hardening/base/json.h"
#include "runtime/model/gguf.h"
#include "runtime/model/vocabulary_reader.h"
#include "runtime/tokenizer/limits.h"
#include "runtime/tokenizer/tokenizer.h"

namespace bench {
namespace {

using base::Result;
using base::Status;
using runtime::TokenId;
using runtime::Tokenizer;
using runtime::Vocabulary;

constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
constexpr std::size_t kFileBytesMax = std::size_t{4} << 30;
constexpr std::size_t kJsonBytesMax = std::size_t{64} << 20;
constexpr std::size_t kTokensMax = runtime::kTextBytesMax;

struct Arguments {
  std::string vocabulary;
  std::optional<std::string> pre;
  std::optional<std::string> round_trip;
  bool special = false;
};

std::optional<Arguments> parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--special") {
      arguments.special = true;
    } else if ((argument == "--pre" || argument == "--roundtrip") && i + 1 < argc) {
      (argument == "--pre" ? arguments.pre : arguments.round_trip) = argv[++i];
    } else if (argument.starts_with("--") || !arguments.vocabulary.empty()) {
      return std::nullopt;
    } else {
      arguments.vocabulary = argument;
    }
  }
  if (arguments.vocabulary.empty()) return std::nullopt;
  return arguments;
}

// vocab.json: an object from token texts to ids.
Result<std::vector<std::string>> read_token_texts(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, kJsonBytesMax));
  const base::Json json = TRY(base::Json::parse(text, {.bytes_max = kJsonBytesMax}).context(path));
  if (!json.is_object()) return base::invalid_input(path + ": not an object");
  std::vector<std::string> tokens;
  for (const auto& [token, id] : json.as_object()) {
    const bool is_id = id.is_int() && id.as_int() >= 0 &&
                       id.as_int() < static_cast<std::int64_t>(runtime::kVocabularyTokensMax);
    if (!is_id) return base::invalid_input(path + ": the id of a token is not a number in range");
    const auto index = static_cast<std::size_t>(id.as_int());
    if (index >= tokens.size()) tokens.resize(index + 1);
    tokens[index] = token;
  }
  return tokens;
}

Result<std::vector<std::string>> read_merges(const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, kJsonBytesMax));
  std::vector<std::string> merges;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const bool is_header = merges.empty() && line.starts_with("#version");
    if (!line.empty() && !is_header) merges.emplace_back(line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return merges;
}

Result<Vocabulary> read_directory(const std::string& path) {
  Vocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "llama-bpe";
  vocabulary.tokens = TRY(read_token_texts(path + "/vocab.json"));
  vocabulary.merges = TRY(read_merges(path + "/merges.txt"));
  return vocabulary;
}

Result<Vocabulary> read_vocabulary(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return read_directory(path);
  const std::string bytes = TRY(base::read_text_file(path, kFileBytesMax));
  const runtime::GgufFile file =
      TRY(runtime::GgufFile::parse(std::as_bytes(std::span(bytes))).context(path));
  return runtime::read_vocabulary(file).context(path);
}

// The text behind the last separator is a text too, unless it is empty.
std::vector<std::string_view> split_texts(std::string_view input) {
  std::vector<std::string_view> texts;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find(kSeparator), input.size());
    texts.push_back(input.substr(0, end));
    input.remove_prefix(std::min(end + kSeparator.size(), input.size()));
  }
  return texts;
}

Result<std::string> read_standard_input() {
  const base::Fd input(dup(STDIN_FILENO));
  std::string text;
  std::vector<std::byte> chunk(std::size_t{1} << 16);
  while (true) {
    const std::size_t bytes = TRY(base::read_full(input, chunk));
    text.append(reinterpret_cast<const char*>(chunk.data()), bytes);
    if (bytes < chunk.size()) return text;
    if (text.size() > runtime::kTextBytesMax) return base::exhausted("standard input: too long");
  }
}

Status print_ids(const Tokenizer& tokenizer, bool special) {
  const std::string input = TRY(read_standard_input());
  std::vector<TokenId> ids;
  for (const std::string_view text : split_texts(input)) {
    ids.clear();
    TRY(tokenizer.encode(text, {.parse_special = special}, kTokensMax, ids));
    fmt::print("{}\n", fmt::join(ids, " "));
  }
  return {};
}

// Whether a text comes back. WordPiece keeps no case and no spacing: there, the tokens have to come
// back.
Result<bool> round_trip(const Tokenizer& tokenizer, const std::string& path) {
  const std::string text = TRY(base::read_text_file(path, runtime::kTextBytesMax));
  const base::SystemClock clock;
  const std::int64_t begin_ns = clock.monotonic_ns();
  std::vector<TokenId> ids;
  TRY(tokenizer.encode(text, {}, kTokensMax, ids));
  const std::int64_t encoded_ns = clock.monotonic_ns();
  const bool keeps_text =
      tokenizer.vocabulary().model != "bert" && tokenizer.vocabulary().model != "t5";
  const std::string decoded = tokenizer.decode(ids, !keeps_text);
  const std::int64_t decoded_ns = clock.monotonic_ns();

  bool exact = decoded == text;
  if (!keeps_text) {
    std::vector<TokenId> again;
    TRY(tokenizer.encode(decoded, {.parse_special = true}, kTokensMax, again));
    exact = again == ids;
  }
  const auto seconds = [](std::int64_t ns) {
    return std::max(static_cast<double>(ns) * 1e-9, 1e-9);
  };
  const double encode_s = seconds(encoded_ns - begin_ns);
  const double decode_s = seconds(decoded_ns - encoded_ns);
  const auto bytes = static_cast<double>(text.size());
  fmt::print(
      "round trip {}: {} bytes, {} tokens; encode {:.0f} tokens/s, {:.1f} MB/s; decode {:.1f} "
      "MB/s\n",
      exact ? "exact" : "NOT exact", text.size(), ids.size(),
      static_cast<double>(ids.size()) / encode_s, bytes / encode_s * 1e-6, bytes / decode_s * 1e-6);
  return exact;
}

Result<bool> run(const Arguments& arguments) {
  Vocabulary vocabulary = TRY(read_vocabulary(arguments.vocabulary));
  if (arguments.pre) vocabulary.pre = *arguments.pre;
  const std::unique_ptr<Tokenizer> tokenizer = TRY(Tokenizer::create(std::move(vocabulary)));
  if (arguments.round_trip) return round_trip(*tokenizer, *arguments.round_trip);
  TRY(print_ids(*tokenizer, arguments.special));
  return true;
}

}  // namespace

int run_tokenize(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse_arguments(argc, argv);
  if (!arguments) {
    std::fputs("usage: tokenize VOCABULARY [--pre NAME] [--special] [--roundtrip FILE] < TEXTS\n",
               stderr);
    return 2;
  }
  const Result<bool> exact = run(*arguments);
  if (!exact.ok()) {
    fmt::print(stderr, "tokenize: {}\n", exact.error().message);
    return 3;
  }
  return exact.value() ? 0 : 1;
}

}  // namespace bench

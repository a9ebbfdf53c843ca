// A model's chat template: our own bounded interpreter of the subset of Jinja that such templates
// use.
//
// A template is data from a signed bundle, but still a program somebody else wrote: it runs without
// host objects, attributes, imports or I/O, under limits on steps, nesting, output and memory. What
// it is given is JSON, what it gives is text.
#ifndef RUNTIME_CHAT_TEMPLATE_CHAT_TEMPLATE_H_
#define RUNTIME_CHAT_TEMPLATE_CHAT_TEMPLATE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hardening/base/json.h"
#include "hardening/base/result.h"

namespace runtime {

struct ChatTemplateLimits {
  std::size_t source_bytes_max = 256 << 10;
  // Nesting of blocks and expressions while parsing, and of values; while running, where macros add
  // up, four times that.
  std::size_t depth_max = 64;
  // Statements and expression nodes evaluated by one rendering, and one for every 64 bytes of text
  // that it handles.
  std::uint64_t steps_max = 2'000'000;
  std::size_t output_bytes_max = 16 << 20;
  std::size_t string_bytes_max = 16 << 20;  // any one intermediate string
  std::size_t values_max = 1'000'000;  // list items and dictionary entries alive in one rendering
};

// One piece of a rendered prompt. Text that came from a message (whoever wrote it) is marked, so
// that the tokenizer never takes a user's "<|im_end|>" for the control token.
struct TemplateSpan {
  std::string text;
  bool from_input = false;
};

class ChatTemplate {
 public:
  // Parses once, at load. kInvalidInput says the line and what was expected; kUnsupported names the
  // construct.
  static base::Result<std::unique_ptr<ChatTemplate>> parse(std::string_view source,
                                                           const ChatTemplateLimits& limits = {});
  virtual ~ChatTemplate() = default;

  // Renders with the members of `variables` (an object: messages, add_generation_prompt, bos_token,
  // eos_token, tools, …) as the template's globals. Jinja settings are those every model repository
  // uses: trim_blocks and lstrip_blocks on, undefined prints as nothing. raise_exception("…") in
  // the template gives kInvalidInput with that text (bounded, printable); a limit gives kExhausted.
  // Adjacent spans of one origin are joined. `now_unix_seconds` feeds strftime_now.
  virtual base::Result<std::vector<TemplateSpan>> render(const base::Json& variables,
                                                         std::int64_t now_unix_seconds) const = 0;
};

// The spans put together.
std::string join_spans(const std::vector<TemplateSpan>& spans);

}  // namespace runtime

#endif  // RUNTIME_CHAT_TEMPLATE_CHAT_TEMPLATE_H_

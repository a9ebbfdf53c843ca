// Finds stop strings in a text that arrives in pieces, and holds back what may turn out to be one.
//
// The automaton of Aho and Corasick (1975): its state is the longest end of the text so far that
// begins some stop string, so the state's depth is exactly what must be held back. The match is the
// stop string that is complete first; of several complete at the same byte, the longest. Texts are
// well-formed UTF-8, stop strings too, so the cuts never fall inside a character.
#ifndef RUNTIME_ENGINE_STOP_MATCHER_H_
#define RUNTIME_ENGINE_STOP_MATCHER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

// The stop strings of one request. Immutable; shared by its choices.
class StopSet {
 public:
  // None of the strings is empty; together they are within limits.h.
  explicit StopSet(const std::vector<std::string>& stops);

 private:
  friend class StopMatcher;
  using State = std::uint32_t;
  static constexpr State kRoot = 0;

  struct Node {
    State first_child = kRoot;  // children by ascending order of insertion; kRoot: none
    State next_sibling = kRoot;
    State fail = kRoot;       // the longest proper end of this state that is a state
    std::uint32_t depth = 0;  // bytes
    std::uint32_t match = 0;  // bytes of the longest stop string that is complete here; 0: none
    char byte = 0;
  };

  State child(State state, char byte) const;
  State next(State state, char byte) const;
  void insert(std::string_view stop);
  void link_failures();

  std::vector<Node> nodes_;
};

// The state of one choice. `set` outlives it.
class StopMatcher {
 public:
  explicit StopMatcher(const StopSet& set) : set_(&set) {}

  struct Options {
    bool armed = true;          // when not, complete stop strings are passed over
    bool include_stop = false;  // the stop string itself is part of the text
  };

  // Appends to `out` what is certain not to be part of a stop string. True when one is complete:
  // then `out` has the text before it, and the rest of `text` is dropped.
  bool push(std::string_view text, const Options& options, std::string& out);

  // Appends what is held back: no more text will come.
  void flush(std::string& out);

 private:
  const StopSet* set_;
  StopSet::State state_ = StopSet::kRoot;
  std::string held_;  // the bytes of state_, between calls
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_STOP_MATCHER_H_

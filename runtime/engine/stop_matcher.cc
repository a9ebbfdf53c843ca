#include "runtime/engine/stop_matcher.h"

#include <algorithm>

namespace runtime {

StopSet::StopSet(const std::vector<std::string>& stops) : nodes_(1) {
  for (const std::string& stop : stops) insert(stop);
  link_failures();
}

StopSet::State StopSet::child(State state, char byte) const {
  State it = nodes_[state].first_child;
  while (it != kRoot && nodes_[it].byte != byte) it = nodes_[it].next_sibling;
  return it;
}

void StopSet::insert(std::string_view stop) {
  State state = kRoot;
  for (const char byte : stop) {
    State to = child(state, byte);
    if (to == kRoot) {
      to = static_cast<State>(nodes_.size());
      Node node;
      node.byte = byte;
      node.depth = nodes_[state].depth + 1;
      node.next_sibling = nodes_[state].first_child;
      nodes_.push_back(node);
      nodes_[state].first_child = to;
    }
    state = to;
  }
  nodes_[state].match = nodes_[state].depth;
}

// Breadth first, so that a state's shorter ends are linked before it is.
void StopSet::link_failures() {
  std::vector<State> queue = {kRoot};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    const State parent = queue[head];
    for (State it = nodes_[parent].first_child; it != kRoot; it = nodes_[it].next_sibling) {
      Node& node = nodes_[it];
      node.fail = parent == kRoot ? kRoot : next(nodes_[parent].fail, node.byte);
      if (node.match == 0) node.match = nodes_[node.fail].match;
      queue.push_back(it);
    }
  }
}

// Amortised constant time: each step down was paid for by a step up.
StopSet::State StopSet::next(State state, char byte) const {
  while (true) {
    const State to = child(state, byte);
    if (to != kRoot || state == kRoot) return to;
    state = nodes_[state].fail;
  }
}

bool StopMatcher::push(std::string_view text, const Options& options, std::string& out) {
  if (set_->nodes_.size() == 1) {
    out.append(text);
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    state_ = set_->next(state_, text[i]);
    const std::size_t match = set_->nodes_[state_].match;
    if (match == 0 || !options.armed) continue;
    held_.append(text.substr(0, i + 1));
    out.append(held_, 0, held_.size() - (options.include_stop ? 0 : match));
    held_.clear();
    state_ = StopSet::kRoot;
    return true;
  }
  held_.append(text);
  const std::size_t ready = held_.size() - set_->nodes_[state_].depth;
  out.append(held_, 0, ready);
  held_.erase(0, ready);
  return false;
}

void StopMatcher::flush(std::string& out) {
  out.append(held_);
  held_.clear();
  state_ = StopSet::kRoot;
}

}  // namespace runtime

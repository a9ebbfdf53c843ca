// The policies of all roles, for tests that go through them.
#ifndef TESTS_HARDENING_ROLES_H_
#define TESTS_HARDENING_ROLES_H_

#include <string>
#include <vector>

#include "hardening/policy.h"

namespace hardening {

inline constexpr Identity kNobody{64'801, 64'801};

inline std::vector<Policy> all_policies() {
  return {gateway_policy(kNobody, 3, 64),    engine_policy(kNobody, 3, -1),
          gpu_engine_policy(kNobody, 3, -1), health_policy(kNobody, 3),
          auditor_policy(kNobody, 3, -1),    importer_policy(kNobody, 3, -1)};
}

struct NamedList {
  std::string name;
  SyscallRules rules;
};

inline std::vector<NamedList> lists_of(Stage stage) {
  std::vector<NamedList> lists;
  for (const Policy& policy : all_policies()) {
    const PolicyFacts& facts = policy.facts();
    lists.push_back({std::string(facts.role) + (stage == Stage::kLoading ? " 1" : " 2"),
                     stage == Stage::kLoading ? facts.stage_1 : facts.stage_2});
  }
  return lists;
}

inline std::vector<NamedList> all_lists() {
  auto lists = lists_of(Stage::kLoading);
  for (NamedList& list : lists_of(Stage::kLockedDown)) lists.push_back(std::move(list));
  return lists;
}

}  // namespace hardening

#endif  // TESTS_HARDENING_ROLES_H_

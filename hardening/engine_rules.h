// The groups that both engines share.
#ifndef HARDENING_ENGINE_RULES_H_
#define HARDENING_ENGINE_RULES_H_

#include "hardening/rule_parts.h"

namespace hardening {

RuleGroup computing_rules();
RuleGroup loading_rules();
RuleGroup packing_rules();

}  // namespace hardening

#endif  // HARDENING_ENGINE_RULES_H_

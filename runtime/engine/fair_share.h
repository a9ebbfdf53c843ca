// Whose turn it is: the tenant that was served least.
//
// The virtual token counter of Sheng et al., "Fairness in Serving Large Language Models", OSDI
// 2024, algorithm 2: each tenant's counter grows with the tokens computed for it; a tenant that
// comes back from idleness is lifted to the least counter of those at work, so that silence earns
// no credit; what it owes stays.
#ifndef RUNTIME_ENGINE_FAIR_SHARE_H_
#define RUNTIME_ENGINE_FAIR_SHARE_H_

#include <cstddef>
#include <cstdint>
#include <map>

namespace runtime {

// Remembers at most `tenants_max` tenants, more only while more have requests at the same time.
class FairShare {
 public:
  struct Tenant {
    std::uint64_t served =
        0;  // the lower, the earlier is its turn; grows by what its requests cost
    std::uint32_t requests = 0;
  };

  explicit FairShare(std::size_t tenants_max) : tenants_max_(tenants_max) {}

  // The tenant's account, which stays in its place until as many requests have ended as were begun.
  Tenant& begin_request(std::uint64_t tenant);
  static void end_request(Tenant& tenant);

 private:
  void forget_one();

  std::size_t tenants_max_;
  std::map<std::uint64_t, Tenant> tenants_;
};

}  // namespace runtime

#endif  // RUNTIME_ENGINE_FAIR_SHARE_H_

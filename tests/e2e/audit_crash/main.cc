// An auditor dies at every call that changes the disk, under load, while it starts, writes, tidies,
// publishes and ends; the next one dies again while it recovers; the third is let live.
//
// usage: audit_crash DIRECTORY [--deaths N] [--seconds S] [--seed X]
//
// Places are taken in turn, those of the next round at other offsets, until that many deaths or
// seconds have passed. Each log is checked after each death (log_check.h).
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/audit_crash/world.h"

namespace {

using audit_crash::Death;
using audit_crash::Life;
using audit_crash::World;

struct Options {
  std::string directory;
  std::uint64_t deaths = 1'000;
  std::int64_t seconds = 0;  // 0: no limit
  std::uint64_t seed = 1;
};

// A log to begin from: how much it holds, and how its last auditor ended.
struct Beginning {
  std::string_view name;
  std::vector<int> lives;  // reports of each
  bool dies;               // the last of them, in its work
};
const Beginning kBeginnings[] = {
    {"no log at all", {}, false},
    {"a small log", {5, 9}, false},
    {"before a full bundle", {243}, false},
    {"a journal before a full bundle", {120, 118}, true},
    {"a journal over two bundles", {250, 200}, true},
};

struct Tally {
  std::uint64_t deaths = 0;
  std::uint64_t lives = 0;
  std::uint64_t places = 0;   // calls of a first auditor's life, over all beginnings
  std::uint64_t records = 0;  // that the last checks of each world found
};

bool fresh_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return ::mkdir(path.c_str(), 0700) == 0;
}

bool copy_directory(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::remove_all(to, error);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive, error);
  return !error;
}

// The beginning's world in a directory of its own; no place to die is given here.
bool prepare(World& world, const Beginning& beginning) {
  if (!fresh_directory(world.directory())) return false;
  for (std::size_t i = 0; i < beginning.lives.size(); ++i) {
    Life life{.reports = beginning.lives[i], .new_gateway = true};
    const bool last = i + 1 == beginning.lives.size();
    // Late in its life: nothing of a journal is tidied away any more.
    if (last && beginning.dies) life.last_call = 60;
    const auto lived = world.live(life);
    if (!lived.ok()) {
      fmt::print("FAILED while preparing {}: {}\n", beginning.name, lived.error().message);
      return false;
    }
  }
  return true;
}

// Two deaths and a life, in a copy. False: something was found.
bool die_twice(const World& beginning, const Options& options, std::string_view name,
               std::uint64_t place, Death death, std::uint64_t seed, Tally& tally) {
  World world = beginning;
  world.move_to(options.directory + "/world");
  world.reseed(seed);
  if (!copy_directory(beginning.directory(), world.directory())) return false;
  std::mt19937_64 random(seed);
  const auto pick = [&](std::uint64_t bound) { return std::uint64_t{random()} % bound; };
  const Life lives[] = {
      {.last_call = place, .death = death, .new_gateway = pick(3) == 0},
      {.last_call = 1 + pick(place + 20),
       .death = static_cast<Death>(pick(3)),
       .reports = static_cast<int>(pick(30)),
       .new_gateway = pick(3) == 0},
      {.reports = 5, .new_gateway = pick(2) == 0},
  };
  for (const Life& life : lives) {
    const auto lived = world.live(life);
    if (!lived.ok()) {
      fmt::print("FAILED: {}, place {}, death {}, seed {}, life with its last call {}: {}\n", name,
                 place, static_cast<int>(death), seed, life.last_call, lived.error().message);
      return false;
    }
    if (lived.value().died) ++tally.deaths;
    ++tally.lives;
  }
  tally.records += world.records();
  return true;
}

struct Prepared {
  const Beginning* beginning;
  World world;
  std::uint64_t places;
};

bool prepare_all(const Options& options, std::vector<Prepared>& prepared, Tally& tally) {
  for (const Beginning& beginning : kBeginnings) {
    const std::string path = fmt::format("{}/beginning-{}", options.directory, prepared.size());
    World world(path, options.seed);
    if (!prepare(world, beginning)) return false;
    World measured = world;
    measured.move_to(options.directory + "/world");
    if (!copy_directory(path, measured.directory())) return false;
    const auto lived = measured.live({});
    if (!lived.ok()) {
      fmt::print("FAILED: {}: {}\n", beginning.name, lived.error().message);
      return false;
    }
    fmt::print("{}: {} records, {} places to die\n", beginning.name, world.records(),
               lived.value().calls);
    std::fflush(stdout);
    tally.places += lived.value().calls;
    prepared.push_back({&beginning, std::move(world), lived.value().calls});
  }
  return true;
}

int run(const Options& options) {
  const std::time_t began = std::time(nullptr);
  const auto over = [&](const Tally& tally) {
    return tally.deaths >= options.deaths ||
           (options.seconds > 0 && std::time(nullptr) - began >= options.seconds);
  };
  Tally tally;
  std::vector<Prepared> prepared;
  if (!prepare_all(options, prepared, tally)) return 1;
  // Strides that share no factor with most counts visit every place once, far ones early.
  constexpr std::uint64_t kStride = 37;
  for (std::uint64_t turn = 0; !over(tally); ++turn) {
    const Prepared& here = prepared[turn % prepared.size()];
    const std::uint64_t step = turn / prepared.size();
    const std::uint64_t place = 1 + step * kStride % here.places;
    if (!die_twice(here.world, options, here.beginning->name, place,
                   static_cast<Death>((step + step / here.places) % 3),
                   options.seed * 1'000'003 + turn, tally))
      return 1;
  }
  fmt::print(
      "audit-crash: {} deaths of {} auditors, at {} places of {} beginnings: 0 acknowledged "
      "records lost, none twice, every log whole, {} records checked at the end\n",
      tally.deaths, tally.lives, tally.places, prepared.size(), tally.records);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--deaths" && more) {
      options.deaths = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--seconds" && more) {
      options.seconds = std::strtoll(argv[++i], nullptr, 10);
    } else if (word == "--seed" && more) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (options.directory.empty() && !word.starts_with("-")) {
      options.directory = word;
    } else {
      fmt::print(stderr, "usage: audit_crash DIRECTORY [--deaths N] [--seconds S] [--seed X]\n");
      return 2;
    }
  }
  return run(options);
}

#include "daemon/gateway/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <string>

namespace daemon_gateway {
namespace {

using testing::HasSubstr;

TEST(Metrics, TellWhatHappened) {
  Metrics metrics;
  metrics.admitted(30);
  metrics.generated(1);
  metrics.generated(1);
  metrics.finished(daemon_ipc::EventFinish::kStop);
  metrics.finished(daemon_ipc::EventFinish::kNone);
  metrics.refused("overloaded");
  metrics.set_gauges({.requests_running = 3, .audit_up = true, .audit_pending = 2});
  const std::string text = metrics.render("a/b");
  EXPECT_THAT(text, HasSubstr("vllm:num_requests_running{model_name=\"a/b\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("vllm:prompt_tokens_total{model_name=\"a/b\"} 30\n"));
  EXPECT_THAT(text, HasSubstr("vllm:generation_tokens_total{model_name=\"a/b\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("vllm:request_success_total{model_name=\"a/b\","
                              "finished_reason=\"stop\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("redoubt_requests_refused_total{code=\"overloaded\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("redoubt_audit_up 1\n"));
  EXPECT_THAT(text, HasSubstr("redoubt_audit_pending 2\n"));
}

TEST(Metrics, HaveNoLabelThatAClientOrAnEngineChooses) {
  Metrics metrics;
  for (int i = 0; i < 1'000; ++i) metrics.refused("made up " + std::to_string(i));
  const std::string text = metrics.render("m");
  EXPECT_THAT(text, HasSubstr("redoubt_requests_refused_total{code=\"other\"} 1000\n"));
  EXPECT_EQ(text.find("made up"), std::string::npos);
}

TEST(Metrics, EscapeTheNameOfTheModel) {
  EXPECT_THAT(Metrics().render("a\"b\\c\nd"), HasSubstr("{model_name=\"a\\\"b\\\\c\\nd\"}"));
}

TEST(Metrics, CountEachDurationBelowEveryEdgeThatItIsNotAbove) {
  constexpr std::array kEdges = {0.5, 1.0};
  Histogram histogram(kEdges);
  histogram.add(0.25);
  histogram.add(0.5);
  histogram.add(0.75);
  histogram.add(9);
  std::string text;
  histogram.render("t", "", text);
  EXPECT_EQ(text,
            "t_bucket{le=\"0.5\"} 2\nt_bucket{le=\"1\"} 3\nt_bucket{le=\"+Inf\"} 4\n"
            "t_sum 10.5\nt_count 4\n");
}

// Each family is announced once, before its samples, and each sample ends in a number.
TEST(Metrics, AreInTheExpositionFormat) {
  std::istringstream lines(Metrics().render("m"));
  std::set<std::string> families;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family;
    } else if (!line.starts_with("# HELP ")) {
      EXPECT_TRUE(line.starts_with(family)) << line;
      EXPECT_NE(line.find_last_of("0123456789"), std::string::npos);
      EXPECT_EQ(line.find_last_of("0123456789"), line.size() - 1) << line;
    }
  }
  EXPECT_GT(families.size(), 15u);
}

TEST(Metrics, PassOnWhatTheSupervisorSaysOfGpus) {
  Metrics metrics;
  EXPECT_EQ(metrics.render("m").find("redoubt_gpu"), std::string::npos);
  metrics.set_gpus("redoubt_gpu_state{uuid=\"GPU-1\"} 1\n");
  metrics.set_gpus("redoubt_gpu_state{uuid=\"GPU-1\"} 0\n");
  const std::string text = metrics.render("m");
  EXPECT_TRUE(text.ends_with("redoubt_gpu_state{uuid=\"GPU-1\"} 0\n"));
  EXPECT_EQ(text.find("GPU-1\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace daemon_gateway

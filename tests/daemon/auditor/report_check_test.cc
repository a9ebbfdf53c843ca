#include "daemon/auditor/report_check.h"

#include <gtest/gtest.h>

#include <string>

#include "daemon/auditor/limits.h"
#include "tests/daemon/auditor/report_bodies.h"

namespace daemon_auditor {
namespace {

using daemon_audit::Reporter;

base::Result<daemon_audit::Report> check(const std::string& type, const std::string& body,
                                         std::string sealed = "",
                                         Reporter reporter = Reporter::kGateway) {
  return check_report(reporter, 5, {.number = 7, .prove = true, .type = type, .body = body},
                      std::move(sealed));
}

std::string refusal(const std::string& type, const std::string& body, std::string sealed = "",
                    Reporter reporter = Reporter::kGateway) {
  const auto checked = check(type, body, std::move(sealed), reporter);
  return checked.ok() ? "accepted" : checked.error().message;
}

TEST(ReportCheck, TakesWhatAGatewayMaySay) {
  const auto report = check("request.admitted", admitted_body("req-1")).value();
  EXPECT_EQ(report.writer, 5u);
  EXPECT_EQ(report.number, 7u);
  EXPECT_TRUE(report.prove);
  EXPECT_EQ(report.type, "request.admitted");
  EXPECT_EQ(report.body.find("request")->as_string(), "req-1");
}

TEST(ReportCheck, RefusesWhatIsSomebodyElsesToSay) {
  const std::string about = "is not for the gateway to report";
  EXPECT_NE(refusal("log.closed", "{}").find(about), std::string::npos);
  EXPECT_NE(refusal("act", "{}").find(about), std::string::npos);
  EXPECT_NE(refusal("request.lost", R"({"request":"r"})").find(about), std::string::npos);
  EXPECT_NE(refusal("request.nonsense", "{}").find(about), std::string::npos);
  EXPECT_NE(refusal("request.admitted", R"({"request":"r"})", "", Reporter::kSupervisor)
                .find("is not for the supervisor to report"),
            std::string::npos);
}

TEST(ReportCheck, RefusesABodyThatCannotBeARecords) {
  const std::string type = "request.refused";
  EXPECT_NE(refusal(type, "[]").find("append.body: wants an object"), std::string::npos);
  EXPECT_NE(refusal(type, "{").find("append.body"), std::string::npos);
  EXPECT_NE(refusal(type, R"({"key":"k","key":"k","count":1})").find("append.body"),
            std::string::npos);
  EXPECT_NE(refusal(type, R"({"key":"k","count":1,"status":"ok"})").find("append.body"),
            std::string::npos);
  EXPECT_NE(refusal(type, R"({"key":"k","count":9007199254740993})").find("append.body"),
            std::string::npos);
  EXPECT_NE(refusal(type, refused_body() + std::string(61'440, ' ')).find("append.body"),
            std::string::npos);
}

// A prompt has no place in a record, whoever has taken the gateway over.
TEST(ReportCheck, RefusesMembersThatTheTypeDoesNotHave) {
  EXPECT_NE(refusal("request.refused", R"({"key":"k","count":1,"prompt":"secret"})").find("prompt"),
            std::string::npos);
}

TEST(ReportCheck, BoundsDepthAndNumberOfValues) {
  std::string deep = "1";
  for (std::size_t i = 0; i < kBodyDepthMax; ++i) deep = "[" + deep + "]";
  const auto act = [](const std::string& facts) {
    return R"({"command":"c","uid":0,"phase":"begun","act":1,"facts":)" + facts + "}";
  };
  const auto said = [&](const std::string& facts) {
    return refusal("act", act(facts), "", Reporter::kSupervisor);
  };
  EXPECT_EQ(said("[1]"), "accepted");
  EXPECT_NE(said(deep).find("append.body"), std::string::npos);
  std::string many = "[1";
  for (std::size_t i = 0; i < kBodyValuesMax; ++i) many += ",1";
  EXPECT_NE(said(many + "]").find("append.body"), std::string::npos);
  // Short as they write it, long as the record has it.
  std::string long_numbers = "[1e20";
  for (int i = 0; i < 4'000; ++i) long_numbers += ",1e20";
  EXPECT_NE(said(long_numbers + "]").find("as canonical JSON"), std::string::npos);
}

TEST(ReportCheck, TakesNobodysWordForTheAdmissionOfAnEnd) {
  std::string body = finished_body("r");
  EXPECT_EQ(refusal("request.finished", body), "accepted");
  body.insert(1, R"("admitted":7,)");
  EXPECT_NE(refusal("request.finished", body).find("body.admitted"), std::string::npos);
}

TEST(ReportCheck, BoundsTheRequestsName) {
  EXPECT_NE(refusal("request.admitted", "{}").find("request"), std::string::npos);
  EXPECT_NE(refusal("request.admitted", admitted_body(std::string(65, 'r'))).find("request"),
            std::string::npos);
}

TEST(ReportCheck, TakesASealedTextThatTheBodyTells) {
  const auto report =
      check("request.admitted", admitted_body("r", "sealed text"), "sealed text").value();
  EXPECT_EQ(report.sealed, "sealed text");
}

TEST(ReportCheck, RefusesASealedTextThatIsNotTheOneTold) {
  const std::string type = "request.admitted";
  EXPECT_NE(refusal(type, admitted_body("r", "sealed text"), "sealed tixt").find("sealed.digest"),
            std::string::npos);
  std::string longer = admitted_body("r", "sealed text");
  longer.replace(longer.find("\"bytes\":11"), 10, "\"bytes\":12");
  EXPECT_NE(refusal(type, longer, "sealed text").find("sealed.bytes"), std::string::npos);
  EXPECT_NE(refusal(type, admitted_body("r"), "sealed text").find("body.sealed: missing"),
            std::string::npos);
  EXPECT_NE(refusal(type, admitted_body("r", "sealed text")).find("no sealed text came"),
            std::string::npos);
}

}  // namespace
}  // namespace daemon_auditor

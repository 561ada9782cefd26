// Settings of single transports, feedback expressions, and where Weir goes on when the real program would not.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "evaluated.hpp"

namespace weir::codec {
namespace {

using testing::evaluate;
using testing::Evaluated;
using Warnings = std::vector<std::string>;

//= R-CFG-04, R-PAR-015, R-PAR-017, R-PAR-019, R-PAR-021, R-PAR-028, R-PAR-031, R-PAR-033, R-PAR-035 test
//= R-PAR-041, R-PAR-047, R-PAR-050, R-PAR-053, R-PAR-070, R-PAR-072 test
TEST(TransportSettings, EveryFormIsFound) {
  const Evaluated result = evaluate(
      "s_destination_concurrency_limit = 1\ns_destination_recipient_limit = 2\n"
      "s_initial_destination_concurrency = 3\ns_destination_concurrency_positive_feedback = 1/4\n"
      "s_destination_concurrency_negative_feedback = 1/5\ns_destination_concurrency_failed_cohort_limit = 6\n"
      "s_transport_rate_delay = 7\ns_destination_rate_delay = 8m\ns_delivery_slot_cost = 9\n"
      "s_delivery_slot_loan = 10\ns_delivery_slot_discount = 11\ns_minimum_delivery_slots = 12\n"
      "s_recipient_limit = 13\ns_extra_recipient_limit = 14\ns_recipient_refill_limit = 15\n"
      "s_recipient_refill_delay = 16\n");
  EXPECT_EQ(result.notes, Notes{});
  TransportConfig expected;
  expected.concurrency_limit = 1;
  expected.recipient_limit = 2;
  expected.initial_concurrency = 3;
  expected.positive_feedback = parse_feedback("s_destination_concurrency_positive_feedback", "1/4");
  expected.negative_feedback = parse_feedback("s_destination_concurrency_negative_feedback", "1/5");
  expected.failed_cohort_limit = 6;
  expected.transport_rate_delay = Seconds{7};
  expected.destination_rate_delay = Seconds{480};
  expected.slot_cost = 9;
  expected.slot_loan = 10;
  expected.slot_discount = 11;
  expected.minimum_slots = 12;
  expected.recipient_pool = 13;
  expected.extra_recipients = 14;
  expected.refill_limit = 15;
  expected.refill_delay = Seconds{16};
  EXPECT_EQ(result.config.transport("s"), expected);
  EXPECT_EQ(result.config.transport("t"), result.config.default_transport);
}

TEST(TransportSettings, WhatIsNotSetComesFromTheEvaluatedDefault) {
  const Evaluated result = evaluate(
      "default_destination_recipient_limit = 9\nx = 3\ns_destination_concurrency_limit = $x\n"
      "initial_destination_concurrency = 7\n");
  EXPECT_EQ(result.config.transport("s").concurrency_limit, 3);
  EXPECT_EQ(result.config.transport("s").recipient_limit, 9);
  EXPECT_EQ(result.config.transport("s").initial_concurrency, 7);  // the brain cuts it, not the settings
}

//= R-PAR-027 test
//= R-PAR-039 test
TEST(TransportSettings, LocalHasValuesOfItsOwn) {
  const Config plain = evaluate("default_destination_concurrency_limit = 9\n").config;
  EXPECT_EQ(plain.transport("local").concurrency_limit, 2);
  EXPECT_EQ(plain.transport("local").recipient_limit, 1);
  EXPECT_EQ(plain.transport("virtual").concurrency_limit, 9);
  const Config set = evaluate("local_destination_concurrency_limit = 4\nlocal_transport_rate_delay = 5\n").config;
  EXPECT_EQ(set.transport("local").concurrency_limit, 4);
  EXPECT_EQ(set.transport("local").transport_rate_delay, Seconds{5});
}

TEST(TransportSettings, OptionsReachThem) {
  EXPECT_EQ(evaluate("", {"smtp_destination_concurrency_limit=3"}).config.transport("smtp").concurrency_limit, 3);
}

struct Row {
  std::string text;
  std::string warning;
};

// Ours: the real program dies when such a transport is first used, or keeps its mail for ever.
TEST(TransportSettings, ABadOneIsToldOfAndNotUsed) {
  const std::vector<Row> rows = {
      {"s_destination_concurrency_limit = -1\n",
       "ignoring s_destination_concurrency_limit = -1: a negative number; using 20"},
      {"s_destination_recipient_limit = abc\n", "ignoring s_destination_recipient_limit = abc: not a number; using 50"},
      {"s_destination_recipient_limit =\n", "ignoring s_destination_recipient_limit = : not a number; using 50"},
      {"s_initial_destination_concurrency = 0\n", "ignoring s_initial_destination_concurrency = 0: below 1; using 5"},
      {"s_delivery_slot_discount = 101\n", "ignoring s_delivery_slot_discount = 101: above 100; using 50"},
      {"s_recipient_refill_limit = 0\n", "ignoring s_recipient_refill_limit = 0: below 1; using 100"},
      {"s_recipient_refill_delay = 0\n", "ignoring s_recipient_refill_delay = 0: below 1s; using 5s"},
      {"s_transport_rate_delay = 5y\n", "ignoring s_transport_rate_delay = 5y: bad time value or unit; using 0s"},
      {"s_destination_rate_delay = -1\n", "ignoring s_destination_rate_delay = -1: bad time value or unit; using 0s"},
      {"s_destination_concurrency_positive_feedback =\n",
       "ignoring s_destination_concurrency_positive_feedback = : an empty value; using 1"},
      {"s_extra_recipient_limit = 99999999999\n",
       "ignoring s_extra_recipient_limit = 99999999999: not a number; using 1000"},
  };
  for (const Row& row : rows) {
    const Evaluated result = evaluate(row.text);
    EXPECT_EQ(result.notes.fatal, std::nullopt);
    EXPECT_EQ(result.notes.warnings, Warnings{row.warning});
    EXPECT_EQ(result.config.transport("s"), result.config.default_transport) << row.text;
  }
}

TEST(TransportSettings, OneThatCannotBeExpandedIsToldOfToo) {
  const Evaluated result = evaluate("s_recipient_limit = ${\ns_extra_recipient_limit = ${\n");
  EXPECT_EQ(result.notes.fatal, std::nullopt);
  EXPECT_EQ(result.notes.warnings,
            (Warnings{"truncated macro reference: \"${\"",
                      "ignoring s_recipient_limit = ${: it cannot be expanded; using 20000",
                      "truncated macro reference: \"${\"",
                      "ignoring s_extra_recipient_limit = ${: it cannot be expanded; using 1000"}));
}

// Ours: the real program accepts them, with mail that is stuck for ever, or a panic.
TEST(TransportSettings, NegativeGlobalsAreToldOfAndNotUsed) {
  const std::vector<Row> rows = {
      {"default_destination_concurrency_limit = -1\n",
       "ignoring default_destination_concurrency_limit = -1: a negative number; using 20"},
      {"default_destination_recipient_limit = -1\n",
       "ignoring default_destination_recipient_limit = -1: a negative number; using 50"},
      {"default_destination_concurrency_failed_cohort_limit = -1\n",
       "ignoring default_destination_concurrency_failed_cohort_limit = -1: a negative number; using 1"},
      {"default_delivery_slot_cost = -1\n", "ignoring default_delivery_slot_cost = -1: a negative number; using 5"},
      {"default_delivery_slot_loan = -1\n", "ignoring default_delivery_slot_loan = -1: a negative number; using 3"},
      {"default_delivery_slot_discount = -1\n",
       "ignoring default_delivery_slot_discount = -1: a negative number; using 50"},
      {"default_minimum_delivery_slots = -1\n",
       "ignoring default_minimum_delivery_slots = -1: a negative number; using 3"},
      {"default_recipient_limit = -1\n", "ignoring default_recipient_limit = -1: a negative number; using 20000"},
      {"default_extra_recipient_limit = -1\n",
       "ignoring default_extra_recipient_limit = -1: a negative number; using 1000"},
      {"local_destination_concurrency_limit = -1\n",
       "ignoring local_destination_concurrency_limit = -1: a negative number; using 2"},
      {"local_destination_recipient_limit = -1\n",
       "ignoring local_destination_recipient_limit = -1: a negative number; using 1"},
      {"delay_logging_resolution_limit = -1\n",
       "ignoring delay_logging_resolution_limit = -1: a negative number; using 2"},
  };
  const Evaluated plain = evaluate("");
  for (const Row& row : rows) {
    const Evaluated result = evaluate(row.text);
    EXPECT_EQ(result.notes.fatal, std::nullopt);
    EXPECT_EQ(result.notes.warnings, Warnings{row.warning});
    EXPECT_EQ(result.config, plain.config) << row.text;
    EXPECT_EQ(result.settings.delay_logging_resolution_limit, 2);
  }
}

struct FeedbackRow {
  const char* text;
  bool good;
  double value = 1.0;
  Feedback::Kind kind = Feedback::Kind::constant;
};

//= R-PAR-032 test
//= R-PAR-034 test
TEST(TransportSettings, FeedbackExpressions) {
  constexpr Feedback::Kind kPer = Feedback::Kind::per_concurrency;
  const std::vector<FeedbackRow> rows = {
      {"1", true, 1.0},
      {"0.25", true, 0.25},
      {"1/8", true, 0.125},
      {"1 / 8", true, 0.125},
      {"0", true, 0.0},
      {"1e-1", true, 0.1},
      {"1/concurrency", true, 1.0, kPer},
      {"0.5 / Concurrency", true, 0.5, kPer},
      {"3/3", true, 1.0},
      {"2147483647/2147483647", true, 1.0},
      {"0/concurrency", true, 0.0, kPer},
      {"1/sqrt_concurrency", false},
      {"2", false},
      {"-1", false},
      {"abc", false},
      {"1/0", false},
      {"3/2", false},
      {"1/8x", false},
      {"1/concurrency x", false},
      {"", false},
      {"/8", false},
      {"1/", false},
      {"1 8", false},
      {"nan", false},
      {"1/nan", false},
      {"inf", false},
      {"0/inf", false},
      {"2/concurrency", false},
      {"2147483648/2147483648", false},
      {"0/-1", false},
      {"1//2", false},
  };
  for (const FeedbackRow& row : rows) {
    const Feedback feedback = parse_feedback("p", row.text);
    EXPECT_EQ(feedback.parameter, "p");
    EXPECT_EQ(feedback.text, row.text);
    EXPECT_EQ(feedback.well_formed, row.good) << row.text;
    EXPECT_EQ(feedback.kind, row.kind) << row.text;
    EXPECT_EQ(feedback.value, row.value) << row.text;
  }
}

TEST(TransportSettings, FeedbackIsNamedAfterWhereItsTextStands) {
  const Config config =
      evaluate(
          "default_destination_concurrency_positive_feedback = abc\ns_destination_concurrency_positive_feedback = abc\n"
          "t_destination_concurrency_positive_feedback = def\n")
          .config;
  EXPECT_EQ(config.transport("s").positive_feedback.parameter, "default_destination_concurrency_positive_feedback");
  EXPECT_EQ(config.transport("t").positive_feedback.parameter, "t_destination_concurrency_positive_feedback");
  EXPECT_EQ(config.transport("t").positive_feedback.text, "def");
  EXPECT_FALSE(config.transport("t").positive_feedback.well_formed);
}

}  // namespace
}  // namespace weir::codec

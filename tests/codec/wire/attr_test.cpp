#include "codec/attr.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace weir::codec {
namespace {

using testing::bytes;
using Texts = std::vector<std::string>;

constexpr const char* kPath = "private/smtp socket";

AttrReader text_and_number(AttrStrictness strictness = {}) {
  return AttrReader{{{"a"}, {"n", AttrType::number}}, kPath, strictness};
}

AttrReader read(AttrReader reader, std::string_view data) {
  reader.feed(data);
  reader.end_of_file();
  return reader;
}

AttrReader read_number(std::string_view text) {
  return read(AttrReader{{{"n", AttrType::number}}, kPath}, AttrWriter{}.text("n", text).end().bytes());
}

TEST(AttrWriter, WritesNamesAndValuesWithTerminators) {
  EXPECT_EQ(AttrWriter{}.text("sender", "").number("flags", 3).end().bytes(), bytes("sender\0\0flags\0"
                                                                                    "3\0\0"));
  EXPECT_EQ(AttrWriter{}.end().bytes(), bytes("\0"));
}

TEST(AttrWriter, NumbersAreUnsignedOnTheWire) {
  EXPECT_EQ(AttrWriter{}.number("n", -1).bytes(), bytes("n\0"
                                                        "4294967295\0"));
  EXPECT_EQ(AttrWriter{}.long_number("n", -1).bytes(), bytes("n\0"
                                                             "18446744073709551615\0"));
  EXPECT_EQ(AttrWriter{}.long_number("n", 737).bytes(), bytes("n\0"
                                                              "737\0"));
}

TEST(AttrWriter, NulCannotTravel) {
  EXPECT_EQ(AttrWriter{}.text("a", bytes("x\0y")).end().bytes(), bytes("a\0x\0\0"));
  EXPECT_EQ(AttrWriter{}.text(bytes("a\0b"), "x").end().bytes(), bytes("a\0x\0\0"));
}

TEST(Base64, BothWays) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("x"), "eA==");
  EXPECT_EQ(base64_encode("xy"), "eHk=");
  EXPECT_EQ(base64_encode("xyz"), "eHl6");
  EXPECT_EQ(base64_encode("\xfb\xff"), "+/8=");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  for (std::size_t size = 0; size <= all.size(); ++size) {
    EXPECT_EQ(base64_decode(base64_encode(all.substr(0, size))), all.substr(0, size));
  }
}

TEST(Base64, RefusesWhatIsNot) {
  for (const char* bad : {"A", "eHk", "eA=", "eHl6=", "e===", "====", "e=Hk", "e?l6", "eHl6\n", "eHl6    x"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

// Each pair was shown to the installed reader.
TEST(AttrNumber, AsTheOriginalReadsThem) {
  const std::vector<std::pair<const char*, std::int32_t>> good{
      {"5", 5},
      {"005", 5},
      {" 5", 5},
      {"\t5", 5},
      {"\v5", 5},
      {"+5", 5},
      {"-1", -1},
      {"4294967295", -1},
      {"4294967296", 0},
      {"-4294967295", 1},
      {"18446744073709551616", -1},
      {"99999999999999999999999", -1},
      {"-99999999999999999999", -1},
  };
  for (const auto& [text, value] : good) {
    const AttrReader reader = read_number(text);
    EXPECT_EQ(reader.result(), 1) << text;
    EXPECT_EQ(reader.value(0).int32(), value) << text;
    EXPECT_TRUE(reader.warnings().empty()) << text;
  }
  for (const char* text : {"", "5 ", "- 5", "+-5", "0x10", "1.5", "abc", "-", " "}) {
    const AttrReader reader = read_number(text);
    EXPECT_EQ(reader.result(), -1) << text;
    EXPECT_EQ(reader.warnings(), Texts{std::string{"malformed numerical data from private/smtp socket while reading "
                                                   "input attribute value: "} +
                                       text});
  }
}

TEST(AttrNumber, LongNumbersKeep64Bits) {
  AttrReader reader{{{"n", AttrType::long_number}}, kPath};
  reader.feed(
      bytes("n\0"
            "18446744073709551615\0\0"));
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(reader.value(0).int64(), -1);
  EXPECT_EQ(reader.value(0).number, 18446744073709551615U);
}

TEST(AttrReader, WholeList) {
  const AttrReader reader = read(text_and_number(), bytes("a\0x\0n\0"
                                                          "5\0\0"));
  EXPECT_EQ(reader.result(), 2);
  EXPECT_TRUE(reader.complete());
  EXPECT_TRUE(reader.in_step());
  EXPECT_EQ(reader.value(0).text, "x");
  EXPECT_EQ(reader.value(1).number, 5U);
  EXPECT_TRUE(reader.warnings().empty());
}

TEST(AttrReader, ByteByByteIsTheSame) {
  const std::string data = bytes(
      "a\0x\0n\0"
      "5\0\0rest");
  AttrReader reader = text_and_number();
  std::size_t used = 0;
  for (const char c : data) used += reader.feed(std::string_view{&c, 1});
  EXPECT_EQ(used, data.size() - 4);  // the rest belongs to the next list
  EXPECT_TRUE(reader.complete());
}

TEST(AttrReader, NothingAtAllIsSilent) {
  AttrReader ended = text_and_number();
  ended.end_of_file();
  EXPECT_TRUE(ended.done());
  EXPECT_EQ(ended.result(), 0);
  EXPECT_TRUE(ended.warnings().empty());
  EXPECT_FALSE(ended.complete());

  AttrReader late = text_and_number();
  late.time_out();
  EXPECT_EQ(late.result(), 0);
  EXPECT_TRUE(late.warnings().empty());
}

struct Broken {
  std::string data;
  bool timed_out;
  const char* warning;
};

TEST(AttrReader, BrokenOff) {
  const std::vector<Broken> cases{
      {"a", false, "unexpected end-of-input from private/smtp socket while reading input attribute name"},
      {"a", true, "unexpected end-of-input from private/smtp socket while reading input attribute name"},
      {bytes("a\0"), false, "premature end-of-input on private/smtp socket while reading input attribute value"},
      {bytes("a\0"), true, "timeout on private/smtp socket while reading input attribute value"},
      {bytes("a\0x"), false, "unexpected end-of-input from private/smtp socket while reading input attribute value"},
      {bytes("a\0x"), true, "unexpected end-of-input from private/smtp socket while reading input attribute value"},
      {bytes("a\0x\0"), false, "premature end-of-input on private/smtp socket while reading input attribute name"},
      {bytes("a\0x\0"), true, "timeout on private/smtp socket while reading input attribute name"},
      {bytes("a\0x\0n\0"
             "5\0"),
       false, "premature end-of-input on private/smtp socket while reading input attribute name"},
      {bytes("a\0x\0n\0"
             "5\0z"),
       false, "unexpected end-of-input from private/smtp socket while reading input attribute name"},
  };
  for (const Broken& broken : cases) {
    AttrReader reader = text_and_number();
    reader.feed(broken.data);
    EXPECT_FALSE(reader.done());
    if (broken.timed_out) {
      reader.time_out();
    } else {
      reader.end_of_file();
    }
    EXPECT_EQ(reader.result(), -1);
    EXPECT_FALSE(reader.in_step());
    EXPECT_EQ(reader.warnings(), Texts{broken.warning});
  }
}

TEST(AttrReader, WhatCameOfACutValueIsKept) {
  const AttrReader reader = read(text_and_number(), bytes("a\0xy"));
  EXPECT_EQ(reader.value(0).text, "xy");
  EXPECT_FALSE(reader.value(0).read);
}

TEST(AttrReader, MissingAttribute) {
  const AttrReader first = read(text_and_number(), bytes("\0"));
  EXPECT_EQ(first.result(), 0);
  EXPECT_TRUE(first.in_step());  // the terminator has been taken
  EXPECT_EQ(first.warnings(), Texts{"missing attribute a in input from private/smtp socket"});

  const AttrReader second = read(text_and_number(), bytes("a\0x\0\0"));
  EXPECT_EQ(second.result(), 1);
  EXPECT_EQ(second.warnings(), Texts{"missing attribute n in input from private/smtp socket"});

  const AttrReader lenient = read(text_and_number({.missing = false, .extra = true}), bytes("a\0x\0\0"));
  EXPECT_EQ(lenient.result(), 1);
  EXPECT_TRUE(lenient.warnings().empty());
}

TEST(AttrReader, UnexpectedAttribute) {
  AttrReader reader = text_and_number();
  EXPECT_EQ(reader.feed(bytes("a\0x\0b\0y\0\0")), 6U);  // the rest stays unread
  EXPECT_EQ(reader.result(), 1);
  EXPECT_FALSE(reader.in_step());
  EXPECT_EQ(reader.warnings(), Texts{"unexpected attribute b from private/smtp socket (expecting: n)"});

  const AttrReader surplus = read(text_and_number(), bytes("a\0x\0n\0"
                                                           "5\0zz\0y\0\0"));
  EXPECT_EQ(surplus.result(), 2);
  EXPECT_TRUE(surplus.complete());
  EXPECT_EQ(surplus.warnings(),
            Texts{"unexpected attribute zz from private/smtp socket (expecting: (list terminator))"});
}

TEST(AttrReader, ExtraAttributesAreSkippedWithoutThatStrictness) {
  const AttrStrictness lenient{.missing = true, .extra = false};
  const AttrReader reader = read(text_and_number(lenient), bytes("z\0q\0a\0x\0n\0"
                                                                 "5\0y\0\0\0"));
  EXPECT_EQ(reader.result(), 2);
  EXPECT_TRUE(reader.warnings().empty());

  const AttrReader cut = read(text_and_number(lenient), bytes("z\0q"));
  EXPECT_EQ(cut.result(), -1);
  EXPECT_EQ(cut.warnings(),
            (Texts{"unexpected end-of-input from private/smtp socket while reading input attribute value",
                   "premature end-of-input on private/smtp socket while reading input attribute name"}));
}

TEST(AttrReader, DuplicateNamesMatchByPosition) {
  AttrReader reader{{{"flags", AttrType::number}, {"flags", AttrType::number}}, kPath};
  reader.feed(
      bytes("flags\0"
            "1\0flags\0"
            "2\0\0"));
  EXPECT_EQ(reader.result(), 2);
  EXPECT_EQ(reader.value(0).number, 1U);
  EXPECT_EQ(reader.value(1).number, 2U);
}

TEST(AttrReader, FixedValueDoesNotCount) {
  const std::vector<AttrWant> wants{{"protocol", AttrType::fixed, "good"}, {"a"}};
  EXPECT_EQ(read(AttrReader{wants, kPath}, bytes("protocol\0good\0a\0x\0\0")).result(), 1);
  const AttrReader wrong = read(AttrReader{wants, kPath}, bytes("protocol\0evil\0a\0x\0\0"));
  EXPECT_EQ(wrong.result(), -1);
  EXPECT_EQ(wrong.warnings(), Texts{"unexpected protocol evil from private/smtp socket (expected: good)"});
}

TEST(AttrReader, SubStructureCountsAsOneAllOrNothing) {
  const std::vector<AttrWant> wants{{"a", AttrType::text, {}, 1}, {"b", AttrType::text, {}, 1}, {"c"}};
  EXPECT_EQ(read(AttrReader{wants, kPath}, bytes("a\0\0b\0\0c\0\0\0")).result(), 2);
  EXPECT_EQ(read(AttrReader{wants, kPath}, bytes("a\0\0b\0\0\0")).result(), 1);
  EXPECT_EQ(read(AttrReader{wants, kPath}, bytes("a\0\0\0")).result(), -1);
  EXPECT_EQ(read(AttrReader{wants, kPath}, bytes("a\0\0c\0\0\0")).result(), -1);
}

TEST(AttrReader, BadBase64) {
  const AttrReader reader = read(AttrReader{{{"time", AttrType::data}}, kPath}, bytes("time\0e?l6\0\0"));
  EXPECT_EQ(reader.result(), -1);
  EXPECT_EQ(reader.warnings(),
            Texts{"malformed base64 data from private/smtp socket while reading input attribute value: e?l6"});
}

TEST(AttrReader, EndlessPeerMeetsTheBound) {
  AttrReader reader{{{"a"}}, kPath, {}, 100};
  reader.feed(bytes("a\0"));
  std::size_t taken = 2;
  for (int i = 0; i < 1000 && !reader.done(); ++i) taken += reader.feed("xxxxxxx");
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.result(), -1);
  EXPECT_LE(taken, 100U);
  EXPECT_EQ(reader.warnings(), Texts{"private/smtp socket: attribute list is larger than 100 bytes"});
  EXPECT_EQ(reader.feed("more"), 0U);
}

TEST(AttrReader, EndlessSkippedAttributesMeetTheBound) {
  AttrReader reader{{{"a"}}, kPath, {.missing = true, .extra = false}};
  const std::string chunk = bytes("z\0z\0");
  for (std::size_t i = 0; i <= kAttrListMax && !reader.done(); i += chunk.size()) reader.feed(chunk);
  EXPECT_EQ(reader.result(), -1);
}

TEST(AttrReader, AListOfExactlyTheBoundIsRead) {
  const std::string data = bytes("a\0xxx\0\0");
  AttrReader reader{{{"a"}}, kPath, {}, data.size()};
  reader.feed(data);
  EXPECT_TRUE(reader.complete());
  AttrReader smaller{{{"a"}}, kPath, {}, data.size() - 1};
  smaller.feed(data);
  EXPECT_EQ(smaller.result(), -1);
}

TEST(AttrList, ReadsAnyNames) {
  const auto parsed = parse_attr_list(bytes("a\0x\0b\0\0\0next"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->size, 8U);
  EXPECT_EQ(parsed->list, (AttrList{{"a", "x"}, {"b", ""}}));
  EXPECT_FALSE(parse_attr_list(bytes("a\0x\0")));
  EXPECT_FALSE(parse_attr_list(""));
  AttrListReader small{4};
  small.feed(bytes("a\0xxxx\0\0"));
  EXPECT_TRUE(small.failed());
}

}  // namespace
}  // namespace weir::codec

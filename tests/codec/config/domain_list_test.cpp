#include "codec/domain_list.hpp"

#include <gtest/gtest.h>

namespace weir::codec {
namespace {

struct Made {
  DomainList list;
  std::vector<std::string> warnings;
};

Made make(const std::string& text, bool parents_match = true, const DomainList::Load& load = {}) {
  Made made;
  made.list = DomainList::parse("fast_flush_domains", text, parents_match, load, made.warnings);
  return made;
}

TEST(DomainList, ParentsMatchWhenAsked) {
  const DomainList with = make("example.com, Other.ORG").list;
  EXPECT_TRUE(with.matches("example.com"));
  EXPECT_TRUE(with.matches("EXAMPLE.com"));
  EXPECT_TRUE(with.matches("a.b.example.com"));
  EXPECT_TRUE(with.matches("other.org"));
  EXPECT_FALSE(with.matches("badexample.com"));
  EXPECT_FALSE(with.matches("com"));
  EXPECT_FALSE(with.matches(""));
  EXPECT_FALSE(make("example.com", false).list.matches("a.example.com"));
  EXPECT_TRUE(make("example.com", false).list.matches("example.com"));
}

TEST(DomainList, ALeadingDotMeansSubdomains) {
  const DomainList list = make(".example.com", false).list;
  EXPECT_TRUE(list.matches("a.example.com"));
  EXPECT_FALSE(list.matches("example.com"));
}

TEST(DomainList, FirstMatchWins) {
  const DomainList list = make("!sub.example.com example.com").list;
  EXPECT_FALSE(list.matches("sub.example.com"));
  EXPECT_FALSE(list.matches("x.sub.example.com"));
  EXPECT_TRUE(list.matches("y.example.com"));
  EXPECT_TRUE(make("example.com !sub.example.com").list.matches("sub.example.com"));
}

TEST(DomainList, FilesStandForTheirContents) {
  const auto load = [](const std::string& path) -> std::optional<std::string> {
    if (path != "/list") return std::nullopt;
    return "# comment\n one.example\n\ntwo.example, three.example # not.a.comment\n/list\n";
  };
  const Made made = make("/list", true, load);
  EXPECT_TRUE(made.list.matches("one.example"));
  EXPECT_TRUE(made.list.matches("three.example"));
  EXPECT_EQ(made.warnings,
            std::vector<std::string>{"fast_flush_domains: cannot read /list, which matches nothing"});  // in itself
  EXPECT_FALSE(make("!/list two.example", true, load).list.matches("two.example"));
  EXPECT_EQ(make("/other", true, load).warnings.size(), 1U);
  EXPECT_EQ(make("/list").warnings.size(), 1U);
}

TEST(DomainList, WhatCannotBeUsedIsToldOf) {
  const Made made = make("hash:/etc/x, ok.example, !");
  EXPECT_EQ(made.warnings, (std::vector<std::string>{
                               "fast_flush_domains: lookup table hash:/etc/x is not supported and matches nothing",
                               "fast_flush_domains: no pattern after '!'"}));
  EXPECT_TRUE(made.list.matches("ok.example"));
  EXPECT_TRUE(make("").list.empty());
}

}  // namespace
}  // namespace weir::codec

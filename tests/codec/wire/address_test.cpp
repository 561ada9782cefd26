#include "codec/address.hpp"

#include <gtest/gtest.h>

#include "observed.hpp"

namespace weir::codec {
namespace {

using testing::from_hex;

TEST(Address, ExternalForm) {
  EXPECT_EQ(to_external(""), "");
  EXPECT_EQ(to_external("a@x.example"), "a@x.example");
  EXPECT_EQ(to_external("a b@qc.example"), "\"a b\"@qc.example");
  EXPECT_EQ(to_external("a@b@c"), "\"a@b\"@c");
  EXPECT_EQ(to_external("@r:a b@x"), "@r:\"a b\"@x");
  EXPECT_EQ(to_external("J\xc3\xb6rg@x"), "J\xc3\xb6rg@x");
}

TEST(Address, InternalForm) {
  EXPECT_EQ(to_internal(""), "");
  EXPECT_EQ(to_internal("\"\""), "");
  EXPECT_EQ(to_internal("\"a b\"@x"), "a b@x");
  EXPECT_EQ(to_internal("\"a@b\"@x"), "a@b@x");
  EXPECT_EQ(to_internal("a@x"), "a@x");
}

TEST(Address, ExternalFormAsObserved) {
  for (const auto& pair : testing::observed_text("external")) {
    const std::string in = from_hex(pair.at(0).get<std::string>());
    EXPECT_EQ(to_external(in), from_hex(pair.at(1).get<std::string>())) << in;
  }
}

TEST(Address, InternalFormAsObserved) {
  for (const auto& pair : testing::observed_text("internal")) {
    const std::string in = from_hex(pair.at(0).get<std::string>());
    EXPECT_EQ(to_internal(in), from_hex(pair.at(1).get<std::string>())) << in;
  }
}

// Once quoted, nothing is lost. (An address that has a route keeps it as it is in both directions.)
TEST(Address, ThereAndBack) {
  for (const char* address : {"a@x", "a b@x", "a\"b@x", "a\\b@x", "a@b@c", "a", "a b", ".@x", "a\rb@x", "@x"}) {
    EXPECT_EQ(to_internal(to_external(address)), address);
  }
}

TEST(Address, Domain) {
  EXPECT_EQ(domain_of("a@x.example"), "x.example");
  EXPECT_EQ(domain_of("a@b@c"), "c");
  EXPECT_EQ(domain_of("a"), "");
  EXPECT_EQ(domain_of("a@"), "");
}

}  // namespace
}  // namespace weir::codec

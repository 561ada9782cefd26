// What the real daemon made of each expression: the value it complained about, or its warnings and last words.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/main_cf.hpp"

namespace weir::codec {
namespace {

Dictionary observed_dictionary() {
  Dictionary dictionary;
  dictionary.set("a", "alpha");
  dictionary.set("b", "${a}beta");
  dictionary.set("e", "");
  dictionary.set("n10", "10");
  dictionary.set("n9", "9");
  dictionary.set("empty_ref", "$e");
  dictionary.set("loop1", "$loop2");
  dictionary.set("loop2", "$loop1");
  return dictionary;
}

struct Good {
  const char* text;
  const char* value;
};

struct Bad {
  const char* text;
  std::vector<std::string> warnings;
  const char* fatal = "dictionary mail_dict: macro processing error";
};

// clang-format off
const std::vector<Good> kGood = {
    {"x[$a.b]", "x[alpha.b]"},
    {"x[pre${a}post$a.end]", "x[prealphapostalpha.end]"},
    {"x[$$a]", "x[$a]"},
    {"x[$a_b]", "x[]"},
    {"x[${e:no}]", "x[no]"},
    {"x[${a:no}]", "x[]"},
    {"x[${undef:dflt}]", "x[dflt]"},
    {"x[${ a ? {yes} : {no} }]", "x[yes]"},
    {"x[${a?${b}x}]", "x[alphabetax]"},
    {"x[${e?{$undef}:{${a}}}]", "x[alpha]"},
    {"x[${a ?  sp ace }]", "x[  sp ace ]"},
    {"x[x ${ } y]", "x[x  y]"},
    {"x[${a?{x}:z}]", "x[x]"},
    {"x[${a?{x}: z}]", "x[x]"},
    {"x[${a?{x}:}]", "x[x]"},
    {"x[${a?}]", "x[]"},
    {"x[${a:}]", "x[]"},
    {"x[${?x}]", "x[]"},
    {"x[${:x}]", "x[x]"},
    {"x[${a?{x}  }]", "x[x]"},
    {"x[${a?  {x}}]", "x[x]"},
    {"x[${a?{x} : {z} }]", "x[x]"},
    {"x[${e?{x} : {z} }]", "x[z]"},
    {"x[${e?{x} :  z }]", "x[  z ]"},
    {"x[${{1} ==level{1}}]", "x[true]"},
    {"x[${{1} == {1} }]", "x[true]"},
    {"x[${{1} == {1} ? y : n}]", "x[ y : n]"},
    {"x[${{1} == {1} ? {y} : n}]", "x[y]"},
    {"x[${{1} == {1} ? {y} }]", "x[y]"},
    {"x[${{1} == {2} ? {y} }]", "x[]"},
    {"x[${{1} == {2} : {y} }]", "x[y]"},
    {"x[${{1} == {1} : {y} }]", "x[]"},
    {"x[${{1} == {1} : y }]", "x[]"},
    {"x[${{1} == {2} : y }]", "x[ y ]"},
    {"x[${{1} == {2}?y}]", "x[]"},
    {"x[${{ 1 } == {1}}]", "x[]"},
    {"x[${ {1} == {1} }]", "x[true]"},
    {"x[$({a} == {a})]", "x[true]"},
    {"x[$(a?(x))]", "x[(x)]"},
    {"x[${a?(x)}]", "x[(x)]"},
    {"x[${a?(x}]", "x[(x]"},
    {"x[${{ 3.1} >=level {3.9}}]", "x[]"},
    {"x[${{+3.1} >=level {3.9}}]", "x[]"},
    {"x[${{99999999999} >=level {3}}]", "x[true]"},
    {"x[${{2097151} >=level {3}}]", "x[true]"},
    {"x[${{2097152} >=level {3}}]", "x[true]"},
    {"x[${{4} >=level {3.5.5}}]", "x[true]"},
    {"x[${loop1?x}]", "x[x]"},
    {"x[${empty_ref?x}]", "x[x]"},
    {"x[$(a)]", "x[alpha]"},
    {"x[${a}]", "x[alpha]"},
    {"x[$a$$]", "x[alpha$]"},
    {"x[${e?$}]", "x[]"},
    {"x[${e?{${}}:{ok}}]", "x[ok]"},
    {"x[${{1}!={2}}]", "x[true]"},
    {"x[${{2}>={10}}]", "x[]"},
    {"x[${{a}>={10}}]", "x[true]"},
    {"x[${{}=={}}]", "x[true]"},
    {"x[${{}=={0}}]", "x[]"},
    {"x[${{00}=={0}}]", "x[true]"},
    {"x[${{-1}<{1}}]", "x[true]"},
    {"x[${{1}<={1}}]", "x[true]"},
    {"x[${a?{{x}}}]", "x[{x}]"},
    {"x[${a?{x}}}]", "x[x}]"},
    {"x[${a?}}]", "x[}]"},
    {"x[${{{x}} == {{x}}}]", "x[true]"},
    {"x[$(a?({x)})]", "x[({x)}]"},
    {"x[$(a?{x})]", "x[x]"},
    {"x[${a?{$b)}}]", "x[alphabeta)]"},
    {"x[$${a}]", "x[${a}]"},
    {"x[$$$a]", "x[$alpha]"},
    {"x[a$$$$b]", "x[a$$b]"},
    {"x[${{$undef} == {} ? {same}:{diff}}]", "x[same]"},
    {"x[${{3.0009} >=level {3.9}}]", "x[true]"},
    {"x[${{3. 9} >=level {3.9}}]", "x[true]"},
    {"x[${{3.+9} >=level {3.9}}]", "x[true]"},
    {"x[${{3.9.1023} >level {3.9}}]", "x[true]"},
    {"x[${{3.9.0} ==level {3.9}}]", "x[true]"},
    {"x[${{0} ==level {0.0.0}}]", "x[true]"},
    {"x[${a\t}]", "x[alpha]"},
    {"x[${{8796093022207} >=level {3}}]", "x[true]"},
    {"x[${{9223372036854775807}>{1}}]", "x[true]"},
    {"x[${{0009223372036854775807}>{1}}]", "x[true]"},
    {"x[${  ?x}]", "x[]"},
    {"x[${ ? {x} : {y} }]", "x[y]"},
    {"x[${ : {x} }]", "x[x]"},
    {"x[${loop}]", "x[]"},
    {"x[${{$undef} == {$e}}]", "x[true]"},
};

const std::vector<Bad> kBad = {
    {"x[abc ${foo]", {"truncated macro reference: \"x[abc ${foo]\""}},
    {"x[abc $(foo} d]", {"truncated macro reference: \"x[abc $(foo} d]\""}},
    {"x[${foo)]", {"truncated macro reference: \"x[${foo)]\""}},
    {"x[${]", {"truncated macro reference: \"x[${]\""}},
    {"x[$(]", {"truncated macro reference: \"x[$(]\""}},
    {"x[x $ y]", {"empty macro name: \"x[x $ y]\""}},
    {"x[x $-y]", {"empty macro name: \"x[x $-y]\""}},
    {"x[x ${} y]", {"empty macro name: \"x[x ${} y]\""}},
    {"x[x $() y]", {"empty macro name: \"x[x $() y]\""}},
    {"x[${a b}]", {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${ a b }]", {"attribute name syntax error at: \"... a>>> b \""}},
    {"x[${a-b}]", {"attribute name syntax error at: \"...a>>>-b\""}},
    {"x[${a?{x}{z}}]", {"\":\" expected at: \"...x}>>>{z}\""}},
    {"x[${a?{x}:{z} junk}]", {"unexpected input at: \"...z}>>>junk\""}},
    {"x[${a?{x} junk}]", {"\":\" expected at: \"...x}>>>junk\""}},
    {"x[${a:{x} junk}]", {"unexpected input at: \"...x}>>>junk\""}},
    {"x[${{a} = {b}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>= {b}\""}},
    {"x[${{a} & {b}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>& {b}\""}},
    {"x[${{a} {b}}]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>{b}\""}},
    {"x[${{a}}]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>\""}},
    {"x[${{a} ==}]", {"\"{expression}\" expected at: \"...{a} ==>>>\""}},
    {"x[${{a} == }]", {"\"{expression}\" expected at: \"...{a} ==>>> \""}},
    {"x[${{1} ==foo {1}}]", {"bad operator suffix at: \"...==>>>foo\""}},
    {"x[${{1} == level {1}}]", {"\"{expression}\" expected at: \"...{1} ==>>> level {1}\""}},
    {"x[${{1} ==level_ {1}}]", {"\"{expression}\" expected at: \"...{1} ==>>>_ {1}\""}},
    {"x[${{1} == 1}]", {"\"{expression}\" expected at: \"...{1} ==>>> 1\""}},
    {"x[${{1} == {1} junk}]", {"\"?\" or \":\" expected at: \"...}>>>junk\""}},
    {"x[${{1} == {1}x}]", {"\"?\" or \":\" expected at: \"...}>>>x\""}},
    {"x[$(a?{x)})]", {"unbalanced {} in attribute expression: \"{x\""}},
    {"x[${{1=={1}}]", {"truncated macro reference: \"x[${{1=={1}}]\""}},
    {"x[${{1}=={1}]", {"truncated macro reference: \"x[${{1}=={1}]\""}},
    {"x[${{3.x} >=level {3.9}}]", {"malformed compatibility level syntax: \"3.x\""}},
    {"x[${{} >=level {3.9}}]", {"malformed compatibility level syntax: \"\""}},
    {"x[${{3.1024} >=level {3.9}}]", {"malformed compatibility level syntax: \"3.1024\""}},
    {"x[${{3.1.1.1} >=level {3.9}}]", {"malformed compatibility level syntax: \"3.1.1.1\""}},
    {"x[${{3.1 } >=level {3.9}}]", {"malformed compatibility level syntax: \"3.1 \""}},
    {"x[${{-3.1} >=level {3.9}}]", {"malformed compatibility level syntax: \"-3.1\""}},
    {"x[${{3.9} >=level {x}}]", {"malformed compatibility level syntax: \"x\""}},
    {"x[${{3.} >=level {3}}]", {"malformed compatibility level syntax: \"3.\""}},
    {"x[${{.3} >=level {3}}]", {"malformed compatibility level syntax: \".3\""}},
    {"x[$loop1]", {"unreasonable macro call nesting: \"loop2\""}},
    {"x[${loop1}]", {"unreasonable macro call nesting: \"loop2\""}},
    {"x[${undef$a}]", {"attribute name syntax error at: \"...undef>>>$a\""}},
    {"x[${a.b}]", {"attribute name syntax error at: \"...a>>>.b\""}},
    {"x[${a=b}]", {"attribute name syntax error at: \"...a>>>=b\""}},
    {"x[${a]", {"truncated macro reference: \"x[${a]\""}},
    {"x[$a$e$b$]", {"empty macro name: \"x[$a$e$b$]\""}},
    {"x[${$a}]", {"attribute name syntax error at: \"...>>>$a\""}},
    {"x[${a$}]", {"attribute name syntax error at: \"...a>>>$\""}},
    {"x[${a?$}]", {"empty macro name: \"$\""}},
    {"x[${{99999999999999999999}=={99999999999999999998}}]", {}, "mac_exp_eval: bad conversion: 99999999999999999999"},
    {"x[${{9223372036854775808}>{1}}]", {}, "mac_exp_eval: bad conversion: 9223372036854775808"},
    {"x[${{1}=<{1}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>>=<{1}\""}},
    {"x[${{1}===}]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>>===\""}},
    {"x[${{1}<<{1}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><<{1}\""}},
    {"x[${{1}!{1}}]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>>!{1}\""}},
    {"x[${{longleft} == {longright} junk}]", {"\"?\" or \":\" expected at: \"...}>>>junk\""}},
    {"x[${  {longleft}   ==   {longright}   junk }]", {"\"?\" or \":\" expected at: \"...}>>>junk \""}},
    {"x[${  {longleft}   = {longright}   junk }]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\""
      " expected at: \"...longleft}>>>= {longright}   junk\""}},
    {"x[${  {longleft}   ==foo   {longright}}]", {"bad operator suffix at: \"...==>>>foo\""}},
    {"x[${  {longleft}   >=foo{longright}}]", {"bad operator suffix at: \"...>=>>>foo\""}},
    {"x[${  {longleft}   >=   foo}]", {"\"{expression}\" expected at: \"...{longleft} >=>>>   foo\""}},
    {"x[${  {longleft}   >=level   foo}]", {"\"{expression}\" expected at: \"...{longleft} >=>>>   foo\""}},
    {"x[${longname?{text one}   junk}]", {"\":\" expected at: \"...text one}>>>junk\""}},
    {"x[${longname?   {text one}   :   {text two}  junk  }]", {"unexpected input at: \"...text two}>>>junk  \""}},
    {"x[${longname ? {text one} : {text {nested} two}  junk  }]",
     {"unexpected input at: \"...text {nested} two}>>>junk  \""}},
    {"x[${{l} == {r} ? {text one} : {text two} junk}]", {"unexpected input at: \"...text two}>>>junk\""}},
    {"x[${{l} == {r} ? {text one} x junk}]", {"\":\" expected at: \"...text one}>>>x junk\""}},
    {"x[${{l} == {r} : {text one} x junk}]", {"unexpected input at: \"...text one}>>>x junk\""}},
    {"x[${  longname  what }]", {"attribute name syntax error at: \"...  longname>>>  what \""}},
    {"x[${a?{$b $}:{x}}]", {"empty macro name: \"$b $\""}},
    {"x[${a?{x} {y}: z}]", {"\":\" expected at: \"...x}>>>{y}: z\""}},
    {"x[${a?{x} :{y:{z}}]", {"truncated macro reference: \"x[${a?{x} :{y:{z}}]\""}},
    {"x[${a?{x:y}]", {"truncated macro reference: \"x[${a?{x:y}]\""}},
    {"x[${{1} == {1} ? {y} : {n} : {m}}]", {"unexpected input at: \"...n}>>>: {m}\""}},
    {"x[${{1} == {1} : {y} ? {n}}]", {"unexpected input at: \"...y}>>>? {n}\""}},
    {"x[${{1} == {2} : {y} : {n}}]", {"unexpected input at: \"...y}>>>: {n}\""}},
    {"x[$(a?{x}:{)})]", {"unbalanced {} in attribute expression: \"{\""}},
    {"x[$(e?{x}:{)})]", {"unbalanced {} in attribute expression: \"{\""}},
    {"x[$(e:{x)]", {"unbalanced {} in attribute expression: \"{x\""}},
    {"x[$({1} == {1)})]", {"unbalanced {} in attribute expression: \"{1\""}},
    {"x[$({1)]", {"unbalanced {} in attribute expression: \"{1\""}},
    {"x[$({1})]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>>\""}},
    {"x[${a?$(b}]", {"truncated macro reference: \"$(b\""}},
    {"x[${a?{$(b}}]", {"truncated macro reference: \"$(b\""}},
    {"x[${{$} == {}}]", {"empty macro name: \"$\""}},
    {"x[${{x} == {$}}]", {"empty macro name: \"$\""}},
    {"x[${{a}==level{}}]", {"malformed compatibility level syntax: \"a\""}},
    {"x[${{9223372036854775807} >=level {3}}]", {"malformed compatibility level syntax: \"9223372036854775807\""}},
    {"x[${{9223372036854775808} >=level {3}}]", {"malformed compatibility level syntax: \"9223372036854775808\""}},
    {"x[${{3} >=level {9223372036854775808}}]", {"malformed compatibility level syntax: \"9223372036854775808\""}},
    {"x[${{3.9.-1} >=level {3.9}}]", {"malformed compatibility level syntax: \"3.9.-1\""}},
    {"x[${{3.9.} >=level {3.9}}]", {"malformed compatibility level syntax: \"3.9.\""}},
    {"x[${{a} = {b}   }]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>= {b}   \""}},
    {"x[${{a}   }]", {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...a}>>>\""}},
    {"x[${{a} ==level2 {1}}]", {"bad operator suffix at: \"...==>>>level2\""}},
    {"x[${{a} ==foo2 {1}}]", {"bad operator suffix at: \"...==>>>foo2\""}},
    {"x[${{a} ==LEVEL {1}}]", {"bad operator suffix at: \"...==>>>LEVEL\""}},
    {"x[${{8796093022208} >=level {3}}]", {"malformed compatibility level syntax: \"8796093022208\""}},
    {"x[${a:{x} : {y}}]", {"unexpected input at: \"...x}>>>: {y}\""}},
    {"x[${a?{x}]", {"truncated macro reference: \"x[${a?{x}]\""}},
    {"x[$ {a}]", {"empty macro name: \"x[$ {a}]\""}},
    {"x[${{1}]", {"truncated macro reference: \"x[${{1}]\""}},
    {"x[${{$} == {1} junk}]", {"empty macro name: \"$\""}},
    {"x[${{$} == {1} ? {x}{z}}]", {"empty macro name: \"$\""}},
    {"x[${{$} = {1}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...$}>>>= {1}\""}},
    {"x[${{3.x} >=level {3} ? {x}{z}}]", {"malformed compatibility level syntax: \"3.x\""}},
    {"x[${{3.x} >=level {$}}]", {"empty macro name: \"$\"", "malformed compatibility level syntax: \"3.x\""}},
    {"x[${{3.x} >=level {y}}]", {"malformed compatibility level syntax: \"3.x\""}},
    {"x[${{99999999999999999999} < {1} ? {x}{z}}]", {}, "mac_exp_eval: bad conversion: 99999999999999999999"},
    {"x[${{1} < {2} ? {x}{z}}]", {"\":\" expected at: \"...x}>>>{z}\""}},
    {"x[${{1} < {2} ? {x} : {z}w}]", {"unexpected input at: \"...z}>>>w\""}},
    {"x[${{1} > {2} ? {x} : {z}w}]", {"unexpected input at: \"...z}>>>w\""}},
    {"x[${{1} > {2} ? {$} : {z}w}]", {"unexpected input at: \"...z}>>>w\""}},
    {"x[${a?{$}{x}}]", {"empty macro name: \"$\"", "\":\" expected at: \"...$}>>>{x}\""}},
    {"x[${e?{$}{x}}]", {"\":\" expected at: \"...$}>>>{x}\""}},
    {"x[${undef b}]", {"attribute name syntax error at: \"...undef>>> b\""}},
    {"x[${{$} >=level {y}}]", {"empty macro name: \"$\"", "malformed compatibility level syntax: \"\""}},
    {"x[${{$} == {${}}}]", {"empty macro name: \"$\"", "empty macro name: \"${}\""}},
    {"x[${{$} >=level {${}}}]",
     {"empty macro name: \"$\"",
      "empty macro name: \"${}\"",
      "malformed compatibility level syntax: \"\""}},
    {"x[${e?{x}:{$}w}]", {"empty macro name: \"$\"", "unexpected input at: \"...$}>>>w\""}},
    {"x[${e:{$}w}]", {"empty macro name: \"$\"", "unexpected input at: \"...$}>>>w\""}},
    {"x[${a?{$}:{$}w}]", {"empty macro name: \"$\"", "unexpected input at: \"...$}>>>w\""}},
    {"x[${a?{$}:{z}} $ {x]", {"empty macro name: \"$\"", "empty macro name: \"x[${a?{$}:{z}} $ {x]\""}},
    {"x[${$}$]", {"attribute name syntax error at: \"...>>>$\"", "empty macro name: \"x[${$}$]\""}},
    {"x[${{$}=={1}} $]", {"empty macro name: \"$\"", "empty macro name: \"x[${{$}=={1}} $]\""}},
    {"x[${{99999999999999999999} < {99999999999999999998}}]", {}, "mac_exp_eval: bad conversion: 99999999999999999999"},
    {"x[${{$} < {99999999999999999999}}]", {"empty macro name: \"$\""}},
    {"x[${a?{${a?{$}{x}}}{y}}]",
     {"empty macro name: \"$\"",
      "\":\" expected at: \"...$}>>>{x}\"",
      "\":\" expected at: \"...${a?{$}{x}}}>>>{y}\""}},
    {"x[$ $ ${]", {"empty macro name: \"x[$ $ ${]\""}},
    {"x[${} $ x]", {"empty macro name: \"x[${} $ x]\""}},
    {"x[$loop1 $loop1]", {"unreasonable macro call nesting: \"loop2\""}},
    {"x[${a b} ${c d} $ ${e f}]", {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${a?$ $}]", {"empty macro name: \"$ $\""}},
    {"x[${{$ $} == {1}}]", {"empty macro name: \"$ $\""}},
    {"x[${{0123456789012345678901234567890123456789} = {012345678901234567890123456789}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\""
      " expected at: \"...0123456789012345678901234567890123456789}>>>= {01234567890123456\""}},
    {"x[${a0123456789012345678901234567890123456789 = {012345678901234567890123456789}}]",
     {"attribute name syntax error at: \"...a0123456789012345678901234567890123456789>>> = {0123456789012345\""}},
    {"x[${a?{0123456789012345678901234567890123456789} = {012345678901234567890123456789}}]",
     {"\":\" expected at: \"...0123456789012345678901234567890123456789}>>>= {01234567890123456\""}},
    {"x[${a?{y}:{0123456789012345678901234567890123456789} = {012345678901234567890123456789}}]",
     {"unexpected input at: \"...0123456789012345678901234567890123456789}>>>= {01234567890123456\""}},
    {"x[${{0123456789012345678901234567890123456789} == x012345678901234567890123456789012345}]",
     {"\"{expression}\" expected at: \"...{0123456789012345678901234567890123456789} ==>>> x012345678901234567\""}},
    {"x[${{1} ==foo34567890123456789012345678901234567890 {1}}]",
     {"bad operator suffix at: \"...==>>>foo34567890123456789012345678901234567890\""}},
    {"x[${{1} == {01234567890123456789012345678} 012345678901234567890123456789012345}]",
     {}, "mac_exp_eval: bad conversion: 01234567890123456789012345678"},
    {"x[$(a?{0123456789012345678901234567890123456789)]",
     {"unbalanced {} in attribute expression: \"{0123456789012345678901234567890123456789\""}},
    {"x[${a0123456789012345678901234567890123456789]",
     {"truncated macro reference: \"x[${a0123456789012345678901234567890123456789]\""}},
    {"x[${{1} ==level {0123456789012345678901234567890123456789x}}]",
     {"malformed compatibility level syntax: \"0123456789012345678901234567890123456789x\""}},
    {"x[${{1} == {1} 012345678901234567890123456789012345}]",
     {"\"?\" or \":\" expected at: \"...}>>>01234567890123456789\""}},
    {"x[${a b} $a $]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "empty macro name: \"x[${a b} $a $]\""}},
    {"x[${a b} ${a} $]",
     {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${a b} ${]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "truncated macro reference: \"x[${a b} ${]\""}},
    {"x[${a b} ${}]",
     {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${a b} ${c d}]",
     {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${a b}${c d}$]",
     {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[${a b}$a$]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "empty macro name: \"x[${a b}$a$]\""}},
    {"x[${a b} $$ $]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "empty macro name: \"x[${a b} $$ $]\""}},
    {"x[${a b} $loop1 $]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "empty macro name: \"x[${a b} $loop1 $]\""}},
    {"x[${a b} $a $a $a ${]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "truncated macro reference: \"x[${a b} $a $a $a ${]\""}},
    {"x[${a b} $(]",
     {"attribute name syntax error at: \"...a>>> b\"",
      "truncated macro reference: \"x[${a b} $(]\""}},
    {"x[${a b}$a ${a} $]",
     {"attribute name syntax error at: \"...a>>> b\""}},
    {"x[$loop1 $a $]",
     {"unreasonable macro call nesting: \"loop2\"",
      "empty macro name: \"x[$loop1 $a $]\""}},
    {"x[$loop1 ${a} $]",
     {"unreasonable macro call nesting: \"loop2\""}},
    {"x[${{1} <% {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><% {2}\""}},
    {"x[${{1} <& {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><& {2}\""}},
    {"x[${{1} <* {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><* {2}\""}},
    {"x[${{1} <+ {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><+ {2}\""}},
    {"x[${{1} <- {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><- {2}\""}},
    {"x[${{1} </ {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>></ {2}\""}},
    {"x[${{1} <? {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><? {2}\""}},
    {"x[${{1} <@ {2}}]",
     {"\"{expression}\" expected at: \"...{1} <>>>@ {2}\""}},
    {"x[${{1} <| {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><| {2}\""}},
    {"x[${{1} <~ {2}}]",
     {"\"==\" or \"!=\"\" or \"<\"\" or \"<=\"\" or \">=\"\" or \">\" expected at: \"...1}>>><~ {2}\""}},
    {"x[${{1} <1 {2}}]",
     {"bad operator suffix at: \"...<>>>1\""}},
    {"x[$a${ {${}}<{$( {$(n9  )${a-}} !=level{$a})} ?{$a} }]",
     {"empty macro name: \"${}\"",
      "attribute name syntax error at: \"...a>>>-\"",
      "malformed compatibility level syntax: \"alpha\""}},
    {"x[${ {${ a b}3.6} <= {${{12 q }>=level{xy z}}}}]",
     {"attribute name syntax error at: \"... a>>> b\"",
      "malformed compatibility level syntax: \"12 q \""}},
    {"x[${{12}>level{${{${ a-}}< {${n9:y z }y z}?  {$({y z}  < {12}?12:  y z)}:  {3.6${{12}!=lev{$$}  ?{ q }}}}x}}{]",
     {"attribute name syntax error at: \"... a>>>-\"",
      "malformed compatibility level syntax: \"\""}},
};
// clang-format on

TEST(Expand, GoodExpressionsGiveTheirValues) {
  const Dictionary dictionary = observed_dictionary();
  for (const Good& row : kGood) {
    Notes notes;
    EXPECT_EQ(expand(dictionary, row.text, notes), row.value) << row.text;
    EXPECT_EQ(notes, Notes{}) << row.text;
  }
}

TEST(Expand, BadExpressionsGiveTheObservedTexts) {
  const Dictionary dictionary = observed_dictionary();
  for (const Bad& row : kBad) {
    Notes notes;
    EXPECT_EQ(expand(dictionary, row.text, notes), std::nullopt) << row.text;
    EXPECT_EQ(notes.warnings, row.warnings) << row.text;
    EXPECT_EQ(notes.fatal, row.fatal) << row.text;
  }
}

// c1 = $c2 and so on, the last one being "end".
Dictionary chain(int length) {
  Dictionary dictionary;
  for (int i = 1; i < length; ++i) dictionary.set("c" + std::to_string(i), "$c" + std::to_string(i + 1));
  dictionary.set("c" + std::to_string(length), "end");
  dictionary.set("a", "1");
  return dictionary;
}

TEST(Expand, AHundredLevelsOfValuesAreGood) {
  Notes notes;
  EXPECT_EQ(expand(chain(100), "x$c1", notes), "xend");
  EXPECT_EQ(expand(chain(101), "x$c1", notes), std::nullopt);
  EXPECT_EQ(notes.warnings, std::vector<std::string>{"unreasonable macro call nesting: \"end\""});
  Notes deeper;
  EXPECT_EQ(expand(chain(102), "x$c1", deeper), std::nullopt);
  EXPECT_EQ(deeper.warnings, std::vector<std::string>{"unreasonable macro call nesting: \"c102\""});
}

std::string nested(int depth, const std::string& before, const std::string& after, std::string inside) {
  for (int i = 0; i < depth; ++i) inside = before + inside + after;
  return inside;
}

TEST(Expand, BranchesCountAsLevelsAndOperandsDoNot) {
  const Dictionary dictionary = chain(1);
  Notes notes;
  EXPECT_EQ(expand(dictionary, nested(100, "${a?{", "}}", "end"), notes), "end");
  EXPECT_EQ(expand(dictionary, nested(101, "${{", "} == {1} ? {1}:{2}}", "1"), notes), "1");
  EXPECT_EQ(notes, Notes{});
  EXPECT_EQ(expand(dictionary, nested(101, "${a?{", "}}", "end"), notes), std::nullopt);
  EXPECT_EQ(notes.warnings, std::vector<std::string>{"unreasonable macro call nesting: \"end\""});
}

TEST(Expand, AnEndlessOperandIsAnErrorNotACrash) {
  Dictionary dictionary;
  dictionary.set("l", "${{$l} == {1}}");
  Notes notes;
  EXPECT_EQ(expand(dictionary, "$l", notes), std::nullopt);
  ASSERT_FALSE(notes.warnings.empty());
  EXPECT_EQ(notes.warnings.front().rfind("unreasonable macro call nesting: ", 0), 0U);
}

TEST(Expand, GrowthIsBounded) {
  Dictionary dictionary;
  for (int i = 0; i < 60; ++i) {
    const std::string next = "$g" + std::to_string(i + 1);
    dictionary.set("g" + std::to_string(i), next + next);
  }
  Notes notes;
  EXPECT_EQ(expand(dictionary, "$g0", notes), std::nullopt);
  ASSERT_EQ(notes.warnings.size(), 1U);
  EXPECT_EQ(notes.warnings.front().rfind("unreasonable macro expansion size: ", 0), 0U);

  dictionary.set("g60", std::string(1000, 'x'));
  Notes with_text;
  EXPECT_EQ(expand(dictionary, "$g0", with_text), std::nullopt);
  EXPECT_EQ(with_text.warnings.size(), 1U);
}

TEST(Expand, CompatibilityLevels) {
  EXPECT_EQ(parse_compatibility_level("0"), 0);
  EXPECT_EQ(parse_compatibility_level("3.9"), (3L << 20) + (9L << 10));
  EXPECT_EQ(parse_compatibility_level("3.9.1023"), (3L << 20) + (9L << 10) + 1023);
  EXPECT_EQ(parse_compatibility_level(" +3. +9"), parse_compatibility_level("3.9.0"));
  for (const char* bad : {"", "abc", "3.x", "3.", ".3", "3.1024", "3.1.1.1", "3.1 ", "-1", "8796093022208"}) {
    EXPECT_EQ(parse_compatibility_level(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace weir::codec

// The readers of HTML, man pages and descriptions, and what counts as prose.
#include <gtest/gtest.h>

#include "strata/data/corpus/description_text.h"
#include "strata/data/corpus/html_text.h"
#include "strata/data/corpus/prose.h"
#include "strata/data/corpus/roff_text.h"

namespace strata::data {
namespace {

using List = std::vector<std::string>;

TEST(HtmlText, BlocksEndParagraphsAndInlineElementsDoNot) {
  EXPECT_EQ(html_paragraphs("<p>One <b>bold</b>\n  word.<p>Two<br>lines.</p><ul><li>Item</li></ul>"),
            (List{"One bold word.", "Two lines.", "Item"}));
}

TEST(HtmlText, CodeTablesHeadingsAndScriptsAreLeftOut) {
  EXPECT_EQ(html_paragraphs("<head><title>T</title><script>if (a < b) '</script><style>p { }</style></head>"
                            "<h1>Head</h1>Text.<pre>code <b>x</b></pre>"
                            "<table><tr><td><table><tr><td>in</td></tr></table>out</td></tr></table>More."),
            (List{"Text.", "More."}));
}

TEST(HtmlText, EntitiesAreDecodedAndOtherAmpersandsStay) {
  EXPECT_EQ(html_paragraphs("a &lt; b &amp;&amp; c&nbsp;d &#65;&#x42; &hellip; AT&T &bogus; &#0; &#1114112; &"),
            (List{"a < b && c d AB ... AT&T &bogus; &#0; &#1114112; &"}));
}

TEST(HtmlText, AttributesCommentsAndStrayBracketsDoNotConfuse) {
  EXPECT_EQ(html_paragraphs("<a href=\"x>y\" title='<p>'>link</a> <!-- <p> -> --> 1 < 2 <= 3"),
            (List{"link 1 < 2 <= 3"}));
}

TEST(HtmlText, AnyCutOfAPageIsTaken) {
  const std::string page = "<p class='x'>One &amp; <!-- c --><pre><b>code</b></pre><script>s</script> two</p>";
  for (size_t size = 0; size <= page.size(); ++size) html_paragraphs(std::string_view(page).substr(0, size));
  EXPECT_TRUE(html_paragraphs("<pre>never closed").empty());
}

TEST(RoffText, MacrosMakeParagraphs) {
  EXPECT_EQ(
      roff_paragraphs(
          ".TH X 3\n.SH NAME\nx \\- does\n.SH DESCRIPTION\nThe\n.BR printf (3)\nfunction\n.I \"is good\"\nat it.\n"
          ".PP\nNext \\fBbold\\fR one\\(emwith \\\"comment\n.TP\n.B tag\nThe body.\n"),
      (List{"The printf(3) function is good at it.", "Next bold one\u2014with", "The body."}));
}

TEST(RoffText, DisplaysDefinitionsAndConditionsAreLeftOut) {
  EXPECT_EQ(roff_paragraphs(".de Vb\n.ft CW\n..\n.if n \\{\\\n.  nh\n.\\}\n.SH "
                            "A\nBefore.\n.nf\ncode\n.fi\n.EX\ncode\n.EE\n.TS\na b\n.TE\n"
                            "After.\n  indented code\n"),
            (List{"Before.", "After."}));
}

TEST(RoffText, TheStringsOfPod2manAreKnown) {
  EXPECT_EQ(roff_paragraphs("\\&\\*(L\"Quoted\\*(R\" \\*(C`code\\*(C' it\\*(Aqs \\s-1POSIX\\s0\n"),
            (List{"\"Quoted\" code it's POSIX"}));
}

TEST(RoffText, AnyCutOfAPageIsTaken) {
  const std::string page = ".SH \"A B\n\\fBx\\f(CW\\*(C`\\h'1'\\[xx] \\s+1y\n.BR \"a\"\"b\" c\\\n.if t \\{\n.\\}\n\\";
  for (size_t size = 0; size <= page.size(); ++size) roff_paragraphs(std::string_view(page).substr(0, size));
}

TEST(DescriptionText, StanzasBecomeDocumentsWithoutListsAndSynopses) {
  EXPECT_EQ(description_documents(
                "Package: a\nDescription-en: synopsis\n First\n line.\n .\n Features:\n  * one\n .\n Last.\n\n"
                "Package: b\nDescription-en: only a synopsis\n\nPackage: c\nDescription-en: x\n End."),
            (std::vector<List>{{"First line.", "Last."}, {"End."}}));
}

TEST(Prose, TypographyBecomesAscii) {
  EXPECT_EQ(
      prose(
          "It\u2019s the \u201Cfirst\u201D of the two \u2013 the one\u00A0that is used when   there is no other\u2026"),
      "It's the \"first\" of the two - the one that is used when there is no other...");
}

TEST(Prose, WhatIsNoProseIsRefused) {
  const std::string good = "This package contains the tools that are needed to build the documentation of the library.";
  EXPECT_EQ(prose(good), good);
  EXPECT_FALSE(prose("It is short."));
  EXPECT_FALSE(prose("this package contains the tools that are needed to build the documentation of the library."));
  EXPECT_FALSE(prose("This package contains the tools that are needed to build the documentation of the library:"));
  EXPECT_FALSE(prose("See the page at https://example.org for all that is to be said of the tools in this package."));
  EXPECT_FALSE(prose("Dieses Paket enth\u00E4lt die Werkzeuge, die zum Bauen der Dokumentation ben\u00F6tigt werden."));
  EXPECT_FALSE(prose("Alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho."));
  EXPECT_FALSE(prose("The foo_bar and baz_qux and a1b2 and XYZzy and the_other and p3q4 are in the i_o file of it."));
  EXPECT_FALSE(prose(std::string(5000, 'a')));
}

}  // namespace
}  // namespace strata::data

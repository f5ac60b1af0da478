#include "strata/data/corpus/recipe.h"

namespace strata::data {
namespace {

constexpr ManualSource kManuals[] = {
    {"linux-doc-6.1", TextFormat::Html, "usr/share/doc/linux-doc-6.1/html/", ".html", "/translations/"},
    {"python3.11-doc", TextFormat::Html, "usr/share/doc/python3.11/html/", ".html", "/whatsnew/"},
    {"perl-doc", TextFormat::Roff, "usr/share/man/", ".gz", "delta"},
    {"sqlite3-doc", TextFormat::Html, "usr/share/doc/sqlite3/", ".html", "/releaselog/"},
    {"apache2-doc", TextFormat::Html, "usr/share/doc/apache2-doc/manual/en/", ".html", ""},
    {"postgresql-doc-15", TextFormat::Html, "usr/share/doc/postgresql-doc-15/html/", ".html", "/release-"},
    {"python-django-doc", TextFormat::Html, "usr/share/doc/python-django-doc/html/", ".html", "/releases/"},
    {"exim4-doc-html", TextFormat::Html, "usr/share/doc/exim4-doc-html/", ".html", ""},
    {"bind9-doc", TextFormat::Html, "usr/share/doc/bind9-doc/", ".html", ""},
    {"git-doc", TextFormat::Html, "usr/share/doc/git-doc/", ".html", "RelNotes"},
    {"manpages-dev", TextFormat::Roff, "usr/share/man/", ".gz", ""},
    {"debian-policy", TextFormat::Html, "usr/share/doc/debian-policy/", ".html", ""},
    {"debian-reference-en", TextFormat::Html, "usr/share/debian-reference/", ".html", ""},
    {"developers-reference", TextFormat::Html, "usr/share/developers-reference/", ".html", ""},
};

}  // namespace

std::span<const ManualSource> manual_sources() { return kManuals; }

}  // namespace strata::data

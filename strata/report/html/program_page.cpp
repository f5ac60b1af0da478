#include "strata/report/html/program_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "strata/base/json/json.h"
#include "strata/base/terminal/format.h"
#include "strata/report/graph/layered_layout.h"
#include "strata/report/html/program_page_parts.h"
#include "strata/report/html/style.h"
#include "strata/report/markup/escape.h"
#include "strata/report/svg/axis.h"

namespace strata::report {
namespace {

constexpr double kTitleSize = 13, kLineSize = 11, kPadding = 10, kTitleHeight = 20, kLineHeight = 15;
constexpr double kBold = 1.14;  // how much wider bold letters are
constexpr std::size_t kMostLines = 6;
constexpr const char* kKindNames[] = {"argument",    "constant", "result", "contraction", "reduction",
                                      "elementwise", "movement", "other",  "host",        "copy"};

const char* name_of(NodeKind kind) { return kKindNames[static_cast<int>(kind)]; }

/// What of a node is drawn.
struct Box {
  std::string title;
  std::vector<std::string> lines;
  double width = 0, height = 0;
};

Box box_of(const PageNode& node) {
  constexpr double kWidest = 230;
  Box box{fit_text(node.title, kTitleSize * kBold, kWidest), {}, 0, 0};
  for (std::size_t i = 0; i < std::min(node.lines.size(), kMostLines); ++i)
    box.lines.push_back(fit_text(node.lines[i], kLineSize, kWidest));
  if (node.lines.size() > kMostLines) box.lines.push_back(fmt::format("and {} more", node.lines.size() - kMostLines));
  if (!node.type.empty()) box.lines.push_back(fit_text(node.type, kLineSize, kWidest));
  double width = text_width(box.title, kTitleSize * kBold);
  for (const std::string& line : box.lines) width = std::max(width, text_width(line, kLineSize));
  box.width = std::ceil(width + 2 * kPadding);
  box.height = kTitleHeight + kLineHeight * static_cast<double>(box.lines.size()) + kPadding;
  return box;
}

/// A curve from the bottom of one box to the top of another.
std::string edge_path(Point from, Point to) {
  const double bend = std::max(14.0, std::min(60.0, (to.y - from.y) / 2));
  return fmt::format("M{} {}C{} {} {} {} {} {}", coordinate(from.x), coordinate(from.y), coordinate(from.x),
                     coordinate(from.y + bend), coordinate(to.x), coordinate(to.y - bend), coordinate(to.x),
                     coordinate(to.y));
}

class GraphMarkup {
 public:
  GraphMarkup(const PageProgram& program, int number) : program_(program), number_(number) {}

  std::string markup() {
    std::vector<LayoutNode> sizes;
    for (const PageNode& n : program_.nodes) {
      boxes_.push_back(box_of(n));
      sizes.push_back(
          {boxes_.back().width, boxes_.back().height, n.kind == NodeKind::Argument || n.kind == NodeKind::Constant});
    }
    std::vector<LayoutEdge> edges;
    for (const PageEdge& e : program_.edges) edges.push_back({e.from, e.to});
    layout_ = lay_out(sizes, edges);
    std::string out = fmt::format(
        "<svg class=\"graph\" data-program=\"{}\" data-width=\"{}\" data-height=\"{}\" viewBox=\"-20 -20 {} {}\" "
        "role=\"group\" aria-label=\"{}\" tabindex=\"0\">\n<g class=\"edges\">\n",
        number_, coordinate(layout_.width), coordinate(layout_.height), coordinate(layout_.width + 40),
        coordinate(layout_.height + 40), escape_markup("graph of " + program_.name));
    for (std::size_t i = 0; i < program_.edges.size(); ++i) out += edge(i);
    out += "</g>\n";
    for (std::size_t i = 0; i < program_.nodes.size(); ++i) out += node(i);
    return out + "</svg>\n";
  }

 private:
  std::string edge(std::size_t i) const {
    const PageEdge& e = program_.edges[i];
    const Point a = layout_.corners[e.from], b = layout_.corners[e.to];
    return fmt::format(
        "<path{} data-from=\"{}\" data-to=\"{}\" d=\"{}\"><title>{}</title></path>\n",
        layout_.is_far[i] ? " class=\"far\"" : "", e.from, e.to,
        edge_path({a.x + boxes_[e.from].width / 2, a.y + boxes_[e.from].height}, {b.x + boxes_[e.to].width / 2, b.y}),
        escape_markup(e.type));
  }

  std::string node(std::size_t i) const {
    const PageNode& n = program_.nodes[i];
    const Box& box = boxes_[i];
    const Point at = layout_.corners[i];
    std::string out = fmt::format(
        "<g class=\"node {}\" data-node=\"{}\" data-kernel=\"{}\" data-layer=\"{}\" transform=\"translate({} {})\">"
        "<title>{}</title><rect width=\"{}\" height=\"{}\" rx=\"6\"/><text class=\"t\" x=\"{}\" y=\"{}\">{}</text>",
        name_of(n.kind), i, n.kernel, layout_.layers[i], coordinate(at.x), coordinate(at.y),
        escape_markup(n.title + (n.where.empty() ? "" : " at " + n.where)), coordinate(box.width),
        coordinate(box.height), coordinate(kPadding), coordinate(kTitleHeight - 2), escape_markup(box.title));
    double y = kTitleHeight + kLineHeight - 2;
    for (const std::string& line : box.lines) {
      out += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>", coordinate(kPadding), coordinate(y), escape_markup(line));
      y += kLineHeight;
    }
    return out + "</g>\n";
  }

  const PageProgram& program_;
  int number_;
  std::vector<Box> boxes_;
  Layout layout_;
};

/// Commands from left to right, the arena from the bottom up.
std::string memory_markup(const PageProgram& program, int number) {
  if (program.buffers.empty() || program.arena_bytes <= 0)
    return fmt::format("<p class=\"memory none\" data-program=\"{}\">Nothing of it lies in an arena.</p>\n", number);
  constexpr double kWidth = 1200, kHeight = 420, kLeft = 70, kBottom = 30, kTop = 10;
  const double across = (kWidth - kLeft - 10) / std::max(1, program.commands);
  const double up = (kHeight - kBottom - kTop) / static_cast<double>(program.arena_bytes);
  std::string out = fmt::format(
      "<svg class=\"memory\" data-program=\"{}\" viewBox=\"0 0 {} {}\" role=\"group\" aria-label=\"memory plan\">\n",
      number, kWidth, kHeight);
  for (int part = 0; part <= 4; ++part) {
    const double y = kHeight - kBottom - part / 4.0 * (kHeight - kBottom - kTop);
    out += fmt::format(
        "<line class=\"rule\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/><text x=\"{}\" y=\"{}\" "
        "text-anchor=\"end\">{}</text>\n",
        kLeft, kWidth - 10, coordinate(y), coordinate(y), kLeft - 8, coordinate(y + 4),
        base::bytes_text(part / 4.0 * static_cast<double>(program.arena_bytes)));
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\">command 0</text><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
                     kLeft, kHeight - 8, kWidth - 10, kHeight - 8, program.commands - 1);
  for (const PageBuffer& b : program.buffers) {
    const double height = std::max(0.6, static_cast<double>(b.bytes) * up);
    out += fmt::format(
        "<rect class=\"buffer h{}\" data-node=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" "
        "height=\"{}\"><title>{}</title></rect>\n",
        b.node % 6 < 0 ? 0 : b.node % 6, b.node, coordinate(kLeft + b.first * across),
        coordinate(kHeight - kBottom - static_cast<double>(b.offset) * up - height),
        coordinate(std::max(0.8, (b.last - b.first + 1) * across - 0.4)), coordinate(height),
        escape_markup(fmt::format("{}, {}, at {}, commands {} to {}", b.label,
                                  base::bytes_text(static_cast<double>(b.bytes)), b.offset, b.first, b.last)));
  }
  return out + "</svg>\n";
}

base::Json json_of(const PageKernel& k) {
  const double intensity = k.byte_count > 0 ? k.operation_count / k.byte_count : 0;
  return base::Json::object()
      .set("name", k.name)
      .set("where", k.where)
      .set("node", k.node)
      .set("naive", k.naive)
      .set("schedule", k.schedule)
      .set("source", k.source)
      .set("scheduled", k.scheduled)
      .set("refusal", k.refusal)
      .set("assembly", k.assembly)
      .set("operations", k.operations + (k.operation_count > 0 ? " = " + readable_number(k.operation_count) : ""))
      .set("bytes", k.bytes + (k.byte_count > 0 ? " = " + base::bytes_text(k.byte_count) : ""))
      .set("intensity", intensity > 0 ? fmt::format("{:.3g} operations per byte", intensity) : "")
      .set("uses", k.uses);
}

/// JSON within a script element: nothing in it may end that.
std::string script_json(const base::Json& json) {
  std::string out;
  for (const char c : json.dump()) out += c == '<' ? "\\u003c" : std::string(1, c);
  return out;
}

std::string kernel_table(const ProgramPage& page) {
  std::vector<int> order(page.kernels.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](int i) { return page.kernels[i].operation_count * page.kernels[i].uses; });
  std::string out =
      "<table id=\"kernels\"><thead><tr><th>kernel</th><th>of</th><th class=\"num\">uses</th><th "
      "class=\"num\">operations</th>"
      "<th class=\"num\">bytes</th><th class=\"num\">ops/byte</th><th>schedule</th></tr></thead><tbody>\n";
  for (const int i : order) {
    const PageKernel& k = page.kernels[i];
    const std::string rewrites = k.refusal.empty() ? k.schedule : "refused: " + k.refusal;
    out += fmt::format(
        "<tr data-kernel=\"{}\"><td><button>{}</button></td><td>{}</td><td class=\"num\">{}</td><td "
        "class=\"num\">{}</td>"
        "<td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"cut\">{}</td></tr>\n",
        i, escape_markup(k.name), escape_markup(fit_text(k.where, 13, 220)), k.uses, readable_number(k.operation_count),
        base::bytes_text(k.byte_count),
        k.byte_count > 0 ? fmt::format("{:.2g}", k.operation_count / k.byte_count) : "-",
        escape_markup(rewrites.substr(0, 160)));
  }
  return out + "</tbody></table>\n";
}

std::string pass_table(const ProgramPage& page) {
  std::string out =
      "<table><thead><tr><th class=\"num\">#</th><th>pass</th><th class=\"num\">ms</th><th>changed</th><th "
      "class=\"num\">nodes before</th><th class=\"num\">after</th></tr></thead><tbody>\n";
  int number = 0;
  for (const PagePass& p : page.passes)
    out += fmt::format(
        "<tr{}><td class=\"num\">{}</td><td>{}</td><td class=\"num\">{:.2f}</td><td>{}</td><td "
        "class=\"num\">{}</td><td "
        "class=\"num\">{}</td></tr>\n",
        p.changed ? "" : " class=\"dim\"", ++number, escape_markup(p.name), p.milliseconds, p.changed ? "yes" : "no",
        p.nodes_before, p.nodes_after);
  return out + "</tbody></table>\n";
}

std::string program_choice(const ProgramPage& page) {
  std::string out = "<label>program <select id=\"program\">";
  for (std::size_t i = 0; i < page.programs.size(); ++i)
    out += fmt::format("<option value=\"{}\">{}</option>", i, escape_markup(page.programs[i].name));
  return out + "</select></label>";
}

std::string legend() {
  std::string out = "<div class=\"legend\">";
  for (const char* kind : kKindNames) out += fmt::format("<span class=\"{0}\"><i></i>{0}</span>", kind);
  return out + "</div>";
}

std::string pre(std::string_view text) { return "<pre>\n" + escape_markup(text) + "</pre>\n"; }

}  // namespace

std::string program_page_html(const ProgramPage& page) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += fmt::format("<title>{}</title>\n<style>\n{}{}</style>\n</head>\n<body>\n", escape_markup(page.title),
                     page_style(), program_page_style());
  out += fmt::format(
      "<header><h1>{}</h1><p>{}</p>\n<div class=\"tools\">{}<input id=\"search\" type=\"search\" "
      "placeholder=\"find a kernel, an op, a line  ( / )\" aria-label=\"find\">"
      "<button id=\"smaller\" title=\"smaller ( - )\">&minus;</button><button id=\"larger\" title=\"larger ( + "
      ")\">+</button><button id=\"fit\" title=\"all of it ( 0 )\">fit</button></div>{}</header>\n",
      escape_markup(page.title), escape_markup(page.subtitle), program_choice(page), legend());
  out += "<div id=\"split\"><div id=\"graphs\">\n";
  for (std::size_t i = 0; i < page.programs.size(); ++i)
    out += GraphMarkup(page.programs[i], static_cast<int>(i)).markup();
  out +=
      "</div><section id=\"detail\" aria-live=\"polite\"><p class=\"none\">Click a kernel, or walk with the arrow "
      "keys: up to "
      "what it reads, down to its readers, left and right within a layer.</p></section></div>\n";
  out +=
      "<section class=\"below\"><h2>Memory plan</h2>\n<p>The arena over the commands: each stretch is the memory of "
      "one "
      "value from the command that writes it to the last that reads it.</p>\n";
  for (std::size_t i = 0; i < page.programs.size(); ++i) out += memory_markup(page.programs[i], static_cast<int>(i));
  out += "</section>\n<section class=\"below\"><h2>Kernels</h2>\n<div class=\"scroll\">" + kernel_table(page) +
         "</div></section>\n";
  out += "<section class=\"below\"><h2>Passes</h2>\n<div class=\"scroll\">" + pass_table(page) + "</div></section>\n";
  if (!page.remarks.empty()) {
    std::string remarks;
    for (const std::string& r : page.remarks) remarks += r + "\n";
    out += fmt::format(
        "<section class=\"below\"><details><summary>{} remarks of the passes: what goes through memory, and "
        "why</summary>{}</details></section>\n",
        page.remarks.size(), pre(remarks));
  }
  out += "<section class=\"below\"><details><summary>The program as it was given</summary>" + pre(page.text) +
         "</details></section>\n";
  base::Json kernels = base::Json::array();
  for (const PageKernel& k : page.kernels) kernels.push(json_of(k));
  base::Json nodes = base::Json::array();
  for (const PageProgram& p : page.programs) {
    base::Json list = base::Json::array();
    for (const PageNode& n : p.nodes) {
      base::Json lines = base::Json::array();
      for (const std::string& l : n.lines) lines.push(l);
      list.push(base::Json::object().set("t", n.title).set("y", n.type).set("w", n.where).set("l", std::move(lines)));
    }
    nodes.push(std::move(list));
  }
  out += "<script type=\"application/json\" id=\"data\">" +
         script_json(base::Json::object().set("kernels", std::move(kernels)).set("nodes", std::move(nodes))) +
         "</script>\n";
  return out + "<script>\n" + std::string(program_page_script()) + "</script>\n</body>\n</html>\n";
}

}  // namespace strata::report

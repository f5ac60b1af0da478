// A compiled program as one HTML page that needs nothing else and no network: its graph to look around in, each kernel
// with its loops before and after the schedule, its cost and its refusals, the passes, and the memory plan.
//
// All texts are text: they are escaped here. Kernels that several nodes share stand once in the file, so that a program
// of a thousand commands is a page of a few MB. The same data give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata::report {

/// What a node of the graph is; each has its colour.
enum class NodeKind { Argument, Constant, Result, Contraction, Reduction, Elementwise, Movement, Other, Host, Copy };

struct PageNode {
  NodeKind kind = NodeKind::Other;
  std::string title;               ///< "%x", "dot, add, tanh"
  std::string type;                ///< of its results
  std::vector<std::string> lines;  ///< the ops of a fusion, one a line
  std::string where;               ///< "mlp.cpp:12 layer1"
  int kernel = -1;                 ///< index into ProgramPage::kernels; -1: it is none
};

struct PageEdge {
  int from = 0, to = 0;  ///< nodes, from < to
  std::string type;
};

/// A stretch of the arena that one buffer has from its first command to its last.
struct PageBuffer {
  std::string label;
  int first = 0, last = 0;
  int64_t offset = 0, bytes = 0;
  int node = -1;  ///< that writes it first
};

/// The program, or a region of a loop.
struct PageProgram {
  std::string name;
  std::vector<PageNode> nodes;  ///< in an order in which they can be computed
  std::vector<PageEdge> edges;
  int commands = 0;
  int64_t arena_bytes = 0;
  std::vector<PageBuffer> buffers;
};

struct PageKernel {
  std::string name, where, node, naive, schedule, source, scheduled, refusal, assembly;
  std::string operations, bytes;               ///< as formulas
  double operation_count = 0, byte_count = 0;  ///< for the sizes of the page
  int uses = 0;                                ///< nodes that it computes
};

struct PagePass {
  std::string name;
  double milliseconds = 0;
  bool changed = false;
  int64_t nodes_before = 0, nodes_after = 0;
};

struct ProgramPage {
  std::string title, subtitle;
  std::vector<PageProgram> programs;  ///< the program first
  std::vector<PageKernel> kernels;
  std::vector<PagePass> passes;
  std::vector<std::string> remarks;
  std::string text;  ///< of the program, as it was given
};

std::string program_page_html(const ProgramPage& page);

}  // namespace strata::report

#include "strata/compiler/lower/lower_kernel.h"

#include <algorithm>
#include <map>

#include "strata/compiler/lower/form.h"
#include "strata/compiler/lower/kernel_writer.h"
#include "strata/compiler/lower/lane_loop.h"
#include "strata/compiler/lower/pointwise_loop.h"
#include "strata/compiler/lower/row_kernel.h"
#include "strata/compiler/lower/rows.h"
#include "strata/ops/control/control.h"
#include "strata/ops/control/fusion.h"

namespace strata::compiler {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Type;
using ir::Value;
using namespace ir::loops;

namespace {

void collect_dims(Kernel& kernel) {
  for (const Buffer* buffer : kernel.params)
    for (Dim d : buffer->shape) d.collect_symbols(kernel.dims);
}

/// Dimensions that stand in no parameter's shape: of a value between, or of an attribute.
void collect_dims_of(const Node& node, Kernel& kernel) {
  for (Type t : node.types())
    for (Dim d : t.shape()) d.collect_symbols(kernel.dims);
  for (const ir::Attr& a : node.attrs.all())
    if (a.kind == ir::AttrKind::Dims)
      for (Dim d : a.as_dims()) d.collect_symbols(kernel.dims);
}

/// The loop of a region, scan or cond, that its other nodes stand around; null for a fusion of other ops.
const Node* loop_of(const Graph& region) {
  for (const Node* node : region.nodes())
    if (!node->is_parameter() && (node->op == &ops::kScan || node->op == &ops::kCond)) return node;
  return nullptr;
}

void collect_dims_within(const Graph& region, Kernel& kernel) {
  for (const Node* node : region.nodes()) {
    collect_dims_of(*node, kernel);
    for (const ir::GraphRef& inner : node->regions()) collect_dims_within(*inner, kernel);
  }
}

void lower_loop(const Graph& region, const Node& loop, Kernel& kernel) {
  std::vector<const Buffer*> inputs, outputs;
  const auto add = [&](std::vector<const Buffer*>& list, char name, Type type, BufferKind kind) {
    const Type stored = type.stored();
    list.push_back(kernel.context->buffer({name + std::to_string(list.size()), stored.dtype(),
                                           ir::Shape(stored.shape().begin(), stored.shape().end()), kind}));
    kernel.params.push_back(list.back());
  };
  for (const Node* p : region.parameters()) add(inputs, 'x', p->type(), BufferKind::Input);
  for (const Value& v : region.results()) add(outputs, 'y', v.type(), BufferKind::Output);
  collect_dims(kernel);
  collect_dims_within(region, kernel);
  const bool is_alone = region.nodes().size() == region.parameters().size() + 1;
  kernel.body = is_alone && pointwise_loop_refusal(loop).empty()
                    ? pointwise_loop(loop, *kernel.context, inputs, outputs)
                    : lane_loop(region, *kernel.context, inputs, outputs);
}

void lower_region(const Graph& region, Kernel& kernel) {
  if (const Node* loop = loop_of(region)) return lower_loop(region, *loop, kernel);
  KernelWriter writer(kernel);
  for (size_t i = 0; i < region.parameters().size(); ++i)
    writer.set_input(region.parameter(i),
                     writer.add_buffer("x" + std::to_string(i), region.parameters()[i]->type(), BufferKind::Input));
  std::vector<const Node*> heroes;
  BufferKind kind = BufferKind::Output;
  for (const Node* node : region.nodes()) {
    if (node->is_parameter()) continue;
    const Form form = form_of(*node);
    if (form != Form::Element && form != Form::Alias) heroes.push_back(node);
    if (form == Form::Update) kind = BufferKind::InOut;
  }
  for (size_t i = 0; i < region.results().size(); ++i)
    writer.set_output(region.results()[i],
                      writer.add_buffer("y" + std::to_string(i), region.results()[i].type(), kind));
  collect_dims(kernel);
  for (const Node* node : region.nodes())
    if (!node->is_parameter()) collect_dims_of(*node, kernel);
  if (const auto rows = rows_of_region(region)) {
    const auto is_product = [](const Node* hero) { return form_of(*hero) == Form::Contraction; };
    const auto product = std::ranges::find_if(heroes, is_product);
    kernel.body =
        product == heroes.end() ? row_nest(writer, region, *rows) : product_row_nest(writer, region, **product, *rows);
    return;
  }
  for (const Node* hero : heroes) writer.add_hero(*hero);
  writer.write();
}

void lower_single(const Node& node, Kernel& kernel) {
  KernelWriter writer(kernel);
  std::map<std::pair<uint32_t, uint32_t>, const Buffer*> seen;
  for (size_t i = 0; i < node.operands().size(); ++i) {
    const Value v = node.operand(i);
    // An operand that stands twice keeps two parameters, so that the ABI follows the node.
    const Buffer* buffer = writer.add_buffer("x" + std::to_string(i), v.type(), BufferKind::Input);
    if (seen.emplace(std::pair{v.node->id, v.index}, buffer).second) writer.set_input(v, buffer);
  }
  const Form form = form_of(node);
  const BufferKind kind = form == Form::Update ? BufferKind::InOut : BufferKind::Output;
  for (uint32_t i = 0; i < node.result_count; ++i)
    writer.set_output(node.result(i), writer.add_buffer("y" + std::to_string(i), node.type(i), kind));
  collect_dims(kernel);
  collect_dims_of(node, kernel);
  if (form != Form::Element) writer.add_hero(node);
  writer.write();
}

}  // namespace

Kernel lower_kernel(const Node& node, const ir::Facts& facts, std::string name) {
  Kernel kernel;
  kernel.context = std::make_shared<LoopContext>();
  kernel.name = std::move(name);
  for (ir::SymbolFact fact : facts.all()) {
    fact.capacity = {};  // names dimensions of the program, which the kernel may not have
    kernel.facts.add(fact);
  }
  if (node.op == &ops::kFusion)
    lower_region(node.region(0), kernel);
  else
    lower_single(node, kernel);
  return kernel;
}

}  // namespace strata::compiler

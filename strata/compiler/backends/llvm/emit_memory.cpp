// Dimensions, strides, where buffers live, loads and stores.
//
// An address is base + sum of index_k * stride_k, outer indices first, so that what an inner loop does not change is
// one value that LICM lifts out, and the constant part of the last index ends up in the addressing mode.
#include <fmt/format.h>

#include <algorithm>

#include "strata/base/error/codes/compiler_codes.h"
#include "strata/base/error/error.h"
#include "strata/compiler/backends/llvm/kernel_emitter.h"
#include "strata/ops/facets/status.h"
#include "strata/runtime/kernel_abi.h"

namespace strata::compiler::llvm_backend {

using ir::Dim;
using ir::DimAtom;
using ir::DType;
using ir::loops::Buffer;
using ir::loops::BufferKind;
using ir::loops::ExprOp;
using ir::loops::Stmt;

static_assert(runtime::kStatusNotFinite == ops::kStatusReserved);

namespace {

/// Scratch buffers up to this size, and in sum up to the second, are allocas: their address is then known to be
/// private.
constexpr int64_t kLargestStackBuffer = 4096;
constexpr int64_t kStackBudget = 16384;

bool is_consecutive(std::span<const ir::loops::Expr> indices) {
  for (size_t i = 0; i + 1 < indices.size(); ++i)
    if (indices[i]->type.lanes != 1) return false;
  const auto* last = indices.back();
  return last->op == ExprOp::Ramp && last->args[1]->op == ExprOp::Constant && last->args[1]->bits == 1;
}

bool is_uniform(std::span<const ir::loops::Expr> indices) {
  for (const auto* index : indices)
    if (index->type.lanes != 1 && index->op != ExprOp::Broadcast) return false;
  return true;
}

}  // namespace

KernelEmitter::Value* KernelEmitter::dim_argument(std::string_view symbol) {
  if (auto found = dims_.find(symbol); found != dims_.end()) return found->second;
  for (size_t i = 0; i < kernel_.dims.size(); ++i) {
    if (kernel_.dims[i] != symbol) continue;
    auto* load =
        setup_.CreateLoad(setup_.getInt64Ty(),
                          setup_.CreateConstInBoundsGEP1_64(setup_.getInt64Ty(), dims_argument_, i), kernel_.dims[i]);
    return dims_[kernel_.dims[i]] = load;
  }
  throw base::Error(base::code::kRefusedKernel,
                    fmt::format("kernel {} uses dimension {}, which is not one of its own", kernel_.name, symbol));
}

/// Emitted in the entry block, once per formula.
KernelEmitter::Value* KernelEmitter::dim_value(Dim dim) {
  if (dim.is_constant()) return setup_.getInt64(static_cast<uint64_t>(dim.constant()));
  if (auto found = dim_values_.find(dim.expr()); found != dim_values_.end()) return found->second;
  Value* sum = nullptr;
  for (const ir::DimTerm& term : dim.expr()->terms) {
    Value* product = nullptr;
    for (const DimAtom* atom : term.atoms) {
      Value* factor = atom_value(*atom);
      product = product ? setup_.CreateNSWMul(product, factor) : factor;
    }
    Value* coefficient = setup_.getInt64(static_cast<uint64_t>(term.coefficient));
    if (!product)
      product = coefficient;
    else if (term.coefficient != 1)
      product = setup_.CreateNSWMul(product, coefficient);
    sum = sum ? setup_.CreateNSWAdd(sum, product) : product;
  }
  if (!sum) sum = setup_.getInt64(0);
  return dim_values_[dim.expr()] = sum;
}

KernelEmitter::Value* KernelEmitter::atom_value(const DimAtom& atom) {
  if (atom.kind == DimAtom::Kind::Symbol) return dim_argument(atom.name);
  Value* a = dim_value(atom.a);
  Value* b = dim_value(atom.b);
  const auto saved = builder_.saveIP();
  builder_.restoreIP(setup_.saveIP());
  Value* value = nullptr;
  switch (atom.kind) {
    case DimAtom::Kind::FloorDiv:
      value = emit_floor_divide(ExprOp::FloorDiv, true, a, b);
      break;
    case DimAtom::Kind::Mod:
      value = emit_floor_divide(ExprOp::FloorMod, true, a, b);
      break;
    case DimAtom::Kind::Min:
      value = builder_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b);
      break;
    case DimAtom::Kind::Max:
      value = builder_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b);
      break;
    case DimAtom::Kind::Symbol:
      break;
  }
  builder_.restoreIP(saved);
  return value;
}

/// Parameters, and the alias scopes of scratch memory: one scope per Scratch buffer and one for all parameters.
void KernelEmitter::place_buffers() {
  llvm::MDBuilder metadata(context_);
  auto* domain = metadata.createAnonymousAliasScopeDomain("memory");
  llvm::SmallVector<llvm::Metadata*> scopes{metadata.createAnonymousAliasScope(domain, "parameters")};
  for (const ScratchSlot& slot : scratch_.slots)
    scopes.push_back(metadata.createAnonymousAliasScope(domain, slot.buffer->name));
  auto place = [&](Value* base, size_t own) {
    Place result{base};
    if (scopes.size() == 1) return result;
    llvm::SmallVector<llvm::Metadata*> others;
    for (size_t i = 0; i < scopes.size(); ++i)
      if (i != own) others.push_back(scopes[i]);
    result.scopes = llvm::MDNode::get(context_, scopes[own]);
    result.no_alias = llvm::MDNode::get(context_, others);
    return result;
  };
  llvm::Type* pointer = setup_.getPtrTy();
  for (size_t i = 0; i < kernel_.params.size(); ++i) {
    Value* address = setup_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(1), i);
    places_[kernel_.params[i]] = place(setup_.CreateLoad(pointer, address, kernel_.params[i]->name), 0);
  }
  if (scratch_.slots.empty()) return;
  Value* memory =
      setup_.CreateLoad(pointer, setup_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(0), 1), "scratch");
  for (size_t i = 0; i < scratch_.slots.size(); ++i) {
    const Buffer* buffer = scratch_.slots[i].buffer;
    const Dim bytes = buffer_bytes(*buffer);
    if (bytes.is_constant() && bytes.constant() <= kLargestStackBuffer &&
        stack_bytes_ + bytes.constant() <= kStackBudget) {
      places_[buffer] = stack_place(buffer, bytes.constant());
      continue;
    }
    Value* base =
        setup_.CreateInBoundsGEP(setup_.getInt8Ty(), memory, dim_value(scratch_.slots[i].offset), buffer->name);
    places_[buffer] = place(base, i + 1);
  }
}

KernelEmitter::Place KernelEmitter::stack_place(const Buffer* buffer, int64_t bytes) {
  const auto elements = static_cast<uint64_t>(bytes / ir::dtype_bytes(buffer->dtype));
  auto* memory = setup_.CreateAlloca(llvm::ArrayType::get(memory_type(buffer->dtype), elements), nullptr, buffer->name);
  memory->setAlignment(llvm::Align(runtime::kScratchAlignment));
  stack_bytes_ += bytes;
  return {memory};
}

const KernelEmitter::Place& KernelEmitter::place_of(const Buffer* buffer) {
  if (auto found = places_.find(buffer); found != places_.end()) return found->second;
  if (buffer->kind != BufferKind::Register)
    throw base::Error(base::code::kRefusedKernel,
                      fmt::format("kernel {} uses buffer {} without declaring it", kernel_.name, buffer->name));
  return places_[buffer] = stack_place(buffer, buffer_bytes(*buffer).constant());
}

/// One lane of an index as a scalar, without making the vector where its form is known.
KernelEmitter::Value* KernelEmitter::lane_index(Expr index, int lane) {
  if (index->type.lanes == 1) return evaluate(index);
  if (index->op == ExprOp::Broadcast) return evaluate(index->args[0]);
  if (index->op == ExprOp::Ramp && index->args[1]->op == ExprOp::Constant) {
    const int64_t offset = lane * static_cast<int64_t>(index->args[1]->bits);
    Value* base = evaluate(index->args[0]);
    return offset == 0 ? base : builder_.CreateAdd(base, builder_.getInt64(static_cast<uint64_t>(offset)));
  }
  return builder_.CreateExtractElement(evaluate(index), static_cast<uint64_t>(lane));
}

KernelEmitter::Value* KernelEmitter::element_address(const Buffer* buffer, std::span<const Expr> indices, int lane) {
  Value* offset = nullptr;
  for (size_t axis = 0; axis < indices.size(); ++axis) {
    const Dim stride = ir::product(std::span(buffer->shape).subspan(axis + 1));
    Value* term = lane_index(indices[axis], lane);
    if (!(stride == Dim(1))) term = builder_.CreateNSWMul(term, dim_value(stride));
    offset = offset ? builder_.CreateNSWAdd(offset, term) : term;
  }
  Value* base = place_of(buffer).base;
  if (!offset) return base;
  return builder_.CreateInBoundsGEP(memory_type(buffer->dtype), base, offset);
}

llvm::Instruction* KernelEmitter::annotate(llvm::Instruction* access, const Place& place) {
  if (place.scopes) access->setMetadata(llvm::LLVMContext::MD_alias_scope, place.scopes);
  if (place.no_alias) access->setMetadata(llvm::LLVMContext::MD_noalias, place.no_alias);
  return access;
}

KernelEmitter::Value* KernelEmitter::from_memory(Value* raw, DType type) {
  if (!ir::is_bool(type)) return raw;
  return builder_.CreateICmpNE(raw, llvm::Constant::getNullValue(raw->getType()));
}

KernelEmitter::Value* KernelEmitter::to_memory(Value* value, DType type) {
  if (!ir::is_bool(type)) return value;
  return builder_.CreateZExt(value, same_lanes(value, builder_.getInt8Ty()));
}

KernelEmitter::Value* KernelEmitter::emit_load(Expr load) {
  const std::span<const Expr> indices(load->args, load->arg_count);
  const DType type = load->buffer->dtype;
  const Place place = place_of(load->buffer);
  llvm::Type* element = memory_type(type);
  const llvm::Align align(static_cast<uint64_t>(ir::dtype_bytes(type)));
  const int lanes = load->type.lanes;
  auto load_at = [&](llvm::Type* what, int lane) {
    return annotate(builder_.CreateAlignedLoad(what, element_address(load->buffer, indices, lane), align), place);
  };
  if (lanes == 1) return from_memory(load_at(element, 0), type);
  if (is_consecutive(indices))
    return from_memory(load_at(llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes)), 0), type);
  if (is_uniform(indices))
    return builder_.CreateVectorSplat(static_cast<unsigned>(lanes), from_memory(load_at(element, 0), type));
  // A gather by scalar loads: vgather is slower on one of the two makers' CPUs and no faster on the other's.
  Value* vector = llvm::PoisonValue::get(llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes)));
  for (int lane = 0; lane < lanes; ++lane)
    vector = builder_.CreateInsertElement(vector, load_at(element, lane), static_cast<uint64_t>(lane));
  return from_memory(vector, type);
}

/// The address may lie anywhere: it is computed with wrapping, so that none is poison.
void KernelEmitter::emit_prefetch(const Stmt& stmt) {
  Value* offset = builder_.getInt64(0);
  for (size_t axis = 0; axis < stmt.indices.size(); ++axis) {
    Value* stride = dim_value(ir::product(std::span(stmt.buffer->shape).subspan(axis + 1)));
    offset = builder_.CreateAdd(offset, builder_.CreateMul(evaluate(stmt.indices[axis]), stride));
  }
  Value* address = builder_.CreateGEP(memory_type(stmt.buffer->dtype), place_of(stmt.buffer).base, offset);
  builder_.CreateIntrinsic(llvm::Intrinsic::prefetch, {address->getType()},
                           {address, builder_.getInt32(0), builder_.getInt32(3), builder_.getInt32(1)});
}

/// A store is as wide as its indices; a scalar value or mask beside them stands for every lane.
void KernelEmitter::emit_store(const Stmt& stmt) {
  unsigned lanes = 1;
  for (Expr index : stmt.indices) lanes = std::max<unsigned>(lanes, index->type.lanes);
  auto widened = [&](Expr expr) {
    Value* value = evaluate(expr);
    return expr->type.lanes == lanes ? value : builder_.CreateVectorSplat(lanes, value);
  };
  Value* stored = to_memory(widened(stmt.value), stmt.buffer->dtype);
  Value* mask = stmt.mask ? widened(stmt.mask) : nullptr;
  look_at(stmt.buffer, stored, mask);
  if (lanes > 1 ? !is_consecutive(stmt.indices) : mask != nullptr) return store_lanes(stmt, stored, mask);
  const llvm::Align align(static_cast<uint64_t>(ir::dtype_bytes(stmt.buffer->dtype)));
  const Place place = place_of(stmt.buffer);
  Value* address = element_address(stmt.buffer, stmt.indices, 0);
  if (!mask)
    annotate(builder_.CreateAlignedStore(stored, address, align), place);
  else
    annotate(builder_.CreateMaskedStore(stored, address, align, mask), place);
}

/// NaN and infinity have all exponent bits set: the largest exponent says whether one was stored. Two instructions a
/// vector, and no branch before the kernel's end.
void KernelEmitter::look_at(const ir::loops::Buffer* buffer, Value* stored, Value* mask) {
  const auto is_it = [&](int param) { return kernel_.params[param] == buffer; };
  if (!std::ranges::any_of(kernel_.looked_at, is_it)) return;
  auto* integer = builder_.getIntNTy(static_cast<unsigned>(8 * ir::dtype_bytes(buffer->dtype)));
  Value* bits = builder_.CreateBitCast(stored, same_lanes(stored, integer));
  Value* exponent = builder_.CreateAnd(bits, llvm::ConstantInt::get(bits->getType(), ir::exponent_bits(buffer->dtype)));
  if (mask) exponent = builder_.CreateSelect(mask, exponent, llvm::Constant::getNullValue(exponent->getType()));
  auto largest = std::ranges::find_if(largest_exponents_, [&](const Largest& l) {
    return l.dtype == buffer->dtype && l.slot->getAllocatedType() == exponent->getType();
  });
  if (largest == largest_exponents_.end()) {
    auto* slot = setup_.CreateAlloca(exponent->getType(), nullptr, "largest_exponent");
    setup_.CreateStore(llvm::Constant::getNullValue(exponent->getType()), slot);
    largest = largest_exponents_.insert(largest, {buffer->dtype, slot});
  }
  Value* before = builder_.CreateLoad(exponent->getType(), largest->slot);
  builder_.CreateStore(builder_.CreateBinaryIntrinsic(llvm::Intrinsic::umax, before, exponent), largest->slot);
}

/// At the end of a kernel's tasks.
void KernelEmitter::report_what_is_not_finite() {
  if (largest_exponents_.empty()) return;
  Value* is_bad = builder_.getFalse();
  for (const auto& [dtype, slot] : largest_exponents_) {
    Value* largest = builder_.CreateLoad(slot->getAllocatedType(), slot);
    if (largest->getType()->isVectorTy()) largest = builder_.CreateIntMaxReduce(largest, /*IsSigned=*/false);
    Value* all = llvm::ConstantInt::get(largest->getType(), ir::exponent_bits(dtype));
    is_bad = builder_.CreateOr(is_bad, builder_.CreateICmpEQ(largest, all));
  }
  auto* failed = new_block("not_finite");
  auto* after = new_block("after");
  builder_.CreateCondBr(is_bad, failed, after, llvm::MDBuilder(context_).createUnlikelyBranchWeights());
  builder_.SetInsertPoint(failed);
  builder_.CreateCall(check_failed(),
                      {function_->getArg(0), builder_.getInt32(runtime::kStatusNotFinite), builder_.getInt64(0)});
  builder_.CreateBr(after);
  builder_.SetInsertPoint(after);
}

/// Scatter: lanes in ascending order, so that the last of those with one address wins. A masked lane is a branch.
void KernelEmitter::store_lanes(const Stmt& stmt, Value* stored, Value* mask) {
  const Place place = place_of(stmt.buffer);
  const llvm::Align align(static_cast<uint64_t>(ir::dtype_bytes(stmt.buffer->dtype)));
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(stored->getType());
  const int lanes = vector ? static_cast<int>(vector->getNumElements()) : 1;
  for (int lane = 0; lane < lanes; ++lane) {
    const auto index = static_cast<uint64_t>(lane);
    // Before the branch: what evaluate() makes may be used again by later lanes.
    Value* address = element_address(stmt.buffer, stmt.indices, lane);
    Value* value = vector ? builder_.CreateExtractElement(stored, index) : stored;
    llvm::BasicBlock* after = nullptr;
    if (mask) {
      auto* store = new_block("store");
      after = new_block("after");
      const bool wide = mask->getType()->isVectorTy();
      builder_.CreateCondBr(wide ? builder_.CreateExtractElement(mask, index) : mask, store, after);
      builder_.SetInsertPoint(store);
    }
    annotate(builder_.CreateAlignedStore(value, address, align), place);
    if (!after) continue;
    builder_.CreateBr(after);
    builder_.SetInsertPoint(after);
  }
}

}  // namespace strata::compiler::llvm_backend

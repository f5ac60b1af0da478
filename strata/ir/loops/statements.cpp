// The makers of statements. They check nothing: verify.h judges whole kernels.
#include "strata/ir/loops/kernel.h"

namespace strata::ir::loops {
namespace {

std::shared_ptr<Stmt> statement(StmtKind kind) {
  auto made = std::make_shared<Stmt>();
  made->kind = kind;
  return made;
}

}  // namespace

StmtPtr make_for(const LoopVar* var, Expr begin, Expr end, LoopKind kind, std::vector<StmtPtr> body, int64_t step) {
  auto made = statement(StmtKind::For);
  made->loop = var;
  made->begin = begin;
  made->end = end;
  made->loop_kind = kind;
  made->body = std::move(body);
  made->step = step;
  return made;
}

StmtPtr make_waves(const LoopVar* var, Expr begin, Expr end, Expr wave, std::vector<StmtPtr> body) {
  auto made = std::make_shared<Stmt>(*make_for(var, begin, end, LoopKind::Parallel, std::move(body)));
  made->wave = wave;
  return made;
}

StmtPtr make_joining(const StmtPtr& loop, const Local* sum, int64_t block, int outer_loops, int inner_loops) {
  auto made = std::make_shared<Stmt>(*loop);
  made->local = sum;
  made->block = block;
  made->outer_loops = outer_loops;
  made->inner_loops = inner_loops;
  return made;
}

StmtPtr make_block(std::vector<StmtPtr> body) {
  auto made = statement(StmtKind::Block);
  made->body = std::move(body);
  return made;
}

StmtPtr make_while(Expr condition, std::vector<StmtPtr> body) {
  auto made = statement(StmtKind::While);
  made->value = condition;
  made->body = std::move(body);
  return made;
}

StmtPtr make_if(Expr condition, std::vector<StmtPtr> then, std::vector<StmtPtr> otherwise) {
  auto made = statement(StmtKind::If);
  made->value = condition;
  made->body = std::move(then);
  made->otherwise = std::move(otherwise);
  return made;
}

StmtPtr make_declare(const Local* local, Expr value) {
  auto made = statement(StmtKind::Declare);
  made->local = local;
  made->value = value;
  return made;
}

StmtPtr make_assign(const Local* local, Expr value) {
  auto made = statement(StmtKind::Assign);
  made->local = local;
  made->value = value;
  return made;
}

StmtPtr make_store(const Buffer* buffer, std::vector<Expr> indices, Expr value, Expr mask) {
  auto made = statement(StmtKind::Store);
  made->buffer = buffer;
  made->indices = std::move(indices);
  made->value = value;
  made->mask = mask;
  return made;
}

StmtPtr make_alloc(const Buffer* buffer) {
  auto made = statement(StmtKind::Alloc);
  made->buffer = buffer;
  return made;
}

StmtPtr make_prefetch(const Buffer* buffer, std::vector<Expr> indices) {
  auto made = statement(StmtKind::Prefetch);
  made->buffer = buffer;
  made->indices = std::move(indices);
  return made;
}

StmtPtr make_check(Expr condition, int64_t code, Expr index) {
  auto made = statement(StmtKind::Check);
  made->value = condition;
  made->step = code;
  made->indices = {index};
  return made;
}

StmtPtr make_barrier() { return statement(StmtKind::Barrier); }

}  // namespace strata::ir::loops

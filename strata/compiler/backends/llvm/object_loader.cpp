#include "strata/compiler/backends/llvm/object_loader.h"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/JITLink/EHFrameSupport.h>
#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/Orc/SymbolStringPool.h>
#include <llvm/Support/MemoryBuffer.h>

#include <atomic>

#include "strata/base/error/error.h"
#include "strata/compiler/backends/llvm/kernel_emitter.h"
#include "strata/ir/loops/huge_angle.h"

namespace strata::compiler::llvm_backend {
namespace {

namespace orc = llvm::orc;

base::Error load_error(llvm::Error reason) {
  return base::Error("E0312", "object can't be linked: " + llvm::toString(std::move(reason)));
}

template <class T>
T unwrap(llvm::Expected<T> value) {
  if (!value) throw load_error(value.takeError());
  return std::move(*value);
}

/// What objects may call. The C library's versions choose FMA hardware themselves where the CPU has it.
orc::SymbolMap host_functions(orc::ExecutionSession& session) {
  orc::SymbolMap map;
  auto add = [&](const char* name, auto* function) {
    map[session.intern(name)] = {orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported};
  };
  using F32 = float (*)(float);
  using F64 = double (*)(double);
  add("fmaf", static_cast<float (*)(float, float, float)>(::fmaf));
  add("fma", static_cast<double (*)(double, double, double)>(::fma));
  add("fmodf", static_cast<float (*)(float, float)>(::fmodf));
  add("fmod", static_cast<double (*)(double, double)>(::fmod));
  add("floorf", static_cast<F32>(::floorf));
  add("floor", static_cast<F64>(::floor));
  add("ceilf", static_cast<F32>(::ceilf));
  add("ceil", static_cast<F64>(::ceil));
  add("truncf", static_cast<F32>(::truncf));
  add("trunc", static_cast<F64>(::trunc));
  // glibc's roundeven needs a newer feature macro than C++20 sets; nearbyint is the same in the default rounding mode.
  add("roundevenf", static_cast<F32>(::nearbyintf));
  add("roundeven", static_cast<F64>(::nearbyint));
  add("strata_huge_angle", &ir::loops::huge_angle);
  add("strata_huge_quadrant", &ir::loops::huge_quadrant);
  add("memcpy", static_cast<void* (*)(void*, const void*, size_t)>(::memcpy));
  add("memmove", static_cast<void* (*)(void*, const void*, size_t)>(::memmove));
  add("memset", static_cast<void* (*)(void*, int, size_t)>(::memset));
  return map;
}

class OrcLoader final : public ObjectLoader {
 public:
  OrcLoader()
      : session_(unwrap(orc::SelfExecutorProcessControl::Create())),
        layer_(session_, session_.getExecutorProcessControl().getMemMgr()),
        host_(session_.createBareJITDylib("host")) {
    session_.setErrorReporter([](llvm::Error error) { llvm::consumeError(std::move(error)); });
    if (auto error = host_.define(orc::absoluteSymbols(host_functions(session_)))) throw load_error(std::move(error));
  }
  ~OrcLoader() override { llvm::consumeError(session_.endSession()); }

  std::shared_ptr<const LoadedObject> load(std::span<const std::byte> object) override;

  orc::ExecutionSession session_;
  orc::ObjectLinkingLayer layer_;
  orc::JITDylib& host_;
  std::atomic<uint64_t> next_id_{0};
};

class OrcObject final : public LoadedObject {
 public:
  OrcObject(std::shared_ptr<OrcLoader> loader, orc::JITDylib& library)
      : loader_(std::move(loader)), library_(library) {}
  ~OrcObject() override { llvm::consumeError(loader_->session_.removeJITDylib(library_)); }

  LoadedKernel find(std::string_view kernel_name) const override {
    return {address<runtime::KernelFunction>(run_symbol(kernel_name)),
            address<runtime::KernelNeedsFunction>(needs_symbol(kernel_name))};
  }

 private:
  template <class Function>
  Function address(const std::string& symbol) const {
    auto found = unwrap(loader_->session_.lookup({&library_}, symbol));
    return found.getAddress().toPtr<Function>();
  }

  std::shared_ptr<OrcLoader> loader_;
  orc::JITDylib& library_;
};

std::shared_ptr<const LoadedObject> OrcLoader::load(std::span<const std::byte> object) {
  const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
  auto& library = session_.createBareJITDylib(fmt::format("object{}", next_id_++));
  auto loaded = std::make_shared<OrcObject>(std::static_pointer_cast<OrcLoader>(shared_from_this()), library);
  library.addToLinkOrder(host_);
  if (auto error = layer_.add(library, llvm::MemoryBuffer::getMemBufferCopy(bytes, "kernels")))
    throw load_error(std::move(error));
  return loaded;
}

}  // namespace

std::shared_ptr<ObjectLoader> ObjectLoader::make() { return std::make_shared<OrcLoader>(); }

}  // namespace strata::compiler::llvm_backend

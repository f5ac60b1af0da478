// The only place where LLVM's IR headers are included; they are system headers, and nothing outside this folder sees
// them. Passes, targets and ORC are dear to include (10 s) and stand in the one .cpp that needs each.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

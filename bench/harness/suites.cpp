#include "bench/harness/suite.h"

namespace strata::bench {

void run_gemm(const SuiteOptions&, const Report&);
void run_lenet_step(const SuiteOptions&, const Report&);
void run_gpt_step(const SuiteOptions&, const Report&);
void run_record(const SuiteOptions&, const Report&);
void run_compile(const SuiteOptions&, const Report&);
void run_tokenizer(const SuiteOptions&, const Report&);
void run_memory(const SuiteOptions&, const Report&);
void run_recurrence(const SuiteOptions&, const Report&);
void run_sums(const SuiteOptions&, const Report&);
void run_updates(const SuiteOptions&, const Report&);
void run_sizes(const SuiteOptions&, const Report&);
void run_branches(const SuiteOptions&, const Report&);
void run_pairs(const SuiteOptions&, const Report&);
void run_poly(const SuiteOptions&, const Report&);
void run_rows(const SuiteOptions&, const Report&);
void run_attention(const SuiteOptions&, const Report&);
void run_image_step(const SuiteOptions&, const Report&);
void run_image_inference(const SuiteOptions&, const Report&);
void run_serving(const SuiteOptions&, const Report&);
void run_integers(const SuiteOptions&, const Report&);
void run_lazy(const SuiteOptions&, const Report&);
void run_tuning(const SuiteOptions&, const Report&);

namespace {

constexpr Suite kSuites[] = {
    {"record", "recording a chain of 10,000 ops", run_record},
    {"lazy", "programs without jit against the same under jit, and a step of an MLP", run_lazy},
    {"memory", "planned arenas against the largest sum of live bytes, and what a process takes, against PyTorch",
     run_memory},
    {"sums", "digits that long sums keep", run_sums},
    {"updates", "rows written in place: a cache, the gradient of an embedding", run_updates},
    {"branches", "loops with an if or a check, against their scalar code", run_branches},
    {"sizes", "one program for all sizes: a new size, and the price against programs of one size", run_sizes},
    {"serving", "one program from several threads, over weights that were prepared once", run_serving},
    {"tokenizer", "training and encoding with byte-level BPE, one thread", run_tokenizer},
    {"gemm", "f32 products of square matrices, and of the shapes of transformers and convolutions", run_gemm},
    {"integers", "products of bytes and half floats, and of a few rows by weights of 4 to 32 bits", run_integers},
    {"pairs", "sums over all pairs of points, with their gradients", run_pairs},
    {"poly", "stencils in time, LU and a blur in two stages by the polyhedral scheduler", run_poly},
    {"rows", "softmax, normalisations and a loss over rows, with their gradients", run_rows},
    {"attention", "causal attention with its gradients", run_attention},
    {"recurrence", "a scan of scalars, and a training step of an LSTM", run_recurrence},
    {"image_step", "training steps of ResNet-18 and MobileNetV2 on small images", run_image_step},
    {"image_inference", "ResNet-50 and MobileNetV2 at 224 pixels, one image at a time", run_image_inference},
    {"lenet_step", "a training step of LeNet-5, batch 64", run_lenet_step},
    {"compile", "compilation: training steps of GPTs, cold and from the disk cache, and programs of thousands of ops",
     run_compile},
    {"gpt_step", "training steps of a GPT of 6 layers x 256 and of GPT-2", run_gpt_step},
    {"tuning", "kernels under the schedules of the heuristic, against the best that a search finds", run_tuning},
};

}  // namespace

std::span<const Suite> suites() { return kSuites; }

}  // namespace strata::bench

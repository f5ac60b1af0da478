// Fashion-MNIST: 60,000 + 10,000 grey images of clothes in ten classes (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "strata/data/idx/image_folder.h"

namespace strata::data {

constexpr std::array<std::string_view, 10> kFashionMnistClasses = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

constexpr std::string_view kFashionMnistFolder = "/usr/share/datasets/fashion-mnist";

using FashionMnist = ImageFolder;

/// Images [N,28,28], where 0 is the background, with labels below 10: the four IDX files of Debian's package
/// dataset-fashion-mnist, or of another folder that holds them. Throws E0634 when one is
/// missing, E0633, E0638, and E0635 when they don't fit together.
FashionMnist fashion_mnist(std::string_view folder = kFashionMnistFolder);

}  // namespace strata::data

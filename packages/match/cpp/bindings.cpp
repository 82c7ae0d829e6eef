// The Python module `_native`: arrays in, arrays out, the GIL released while C++ works. Checks of what callers pass, and
// every message they read, are in the Python facade.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "brute_force_index.hpp"
#include "pdq.hpp"
#include "pdq_plane.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Scalar, typename... Shape>
using Input = nb::ndarray<const Scalar, Shape..., nb::c_contig, nb::device::cpu>;
using RgbPixels = Input<std::uint8_t, nb::shape<-1, -1, 3>>;
using GreyPixels = Input<std::uint8_t, nb::ndim<2>>;
template <typename Sample>
using StridedPlane = nb::ndarray<const Sample, nb::ndim<2>, nb::device::cpu>;
using Keys = Input<std::uint64_t, nb::ndim<1>>;
using Hashes = Input<std::uint8_t, nb::shape<-1, staydown::kHashBytes>>;
template <typename Scalar>
using Output = nb::ndarray<nb::numpy, Scalar, nb::ndim<1>>;
using BitsAndQuality = nb::typed<nb::tuple, nb::bytes, int>;
using QueryKeyDistance = nb::typed<nb::tuple, Output<std::int64_t>, Output<std::uint64_t>, Output<std::int64_t>>;

BitsAndQuality to_python(const staydown::PdqHash& hash) {
  return nb::make_tuple(nb::bytes(hash.bits.data(), hash.bits.size()), hash.quality);
}

BitsAndQuality pdq_from_rgb(RgbPixels pixels) {
  const auto hash = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::pdq_from_rgb(pixels.data(), pixels.shape(0), pixels.shape(1));
  }();
  return to_python(hash);
}

BitsAndQuality pdq_from_grey(GreyPixels pixels) {
  const auto hash = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::pdq_from_grey(pixels.data(), pixels.shape(0), pixels.shape(1));
  }();
  return to_python(hash);
}

template <typename Sample>
BitsAndQuality pdq_from_plane(StridedPlane<Sample> plane, float black, float white) {
  const bool side_by_side = std::abs(plane.stride(0)) == 1 || std::abs(plane.stride(1)) == 1;
  if (!side_by_side) throw nb::value_error("samples must lie side by side along one axis");
  const auto hash = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::pdq_from_plane(staydown::Plane<Sample>{
        plane.data(), plane.shape(0), plane.shape(1), plane.stride(0), plane.stride(1), black, white});
  }();
  return to_python(hash);
}

// One field of every match as an array that owns its memory.
template <typename Scalar, typename Field>
Output<Scalar> column(const std::vector<staydown::Match>& matches, Field field) {
  auto values = std::make_unique<Scalar[]>(matches.size());
  for (std::size_t i = 0; i < matches.size(); ++i) values[i] = static_cast<Scalar>(matches[i].*field);
  Scalar* const data = values.get();
  nb::capsule owner(data, [](void* memory) noexcept { delete[] static_cast<Scalar*>(memory); });
  values.release();
  return Output<Scalar>(data, {matches.size()}, owner);
}

QueryKeyDistance search(const staydown::BruteForceIndex& index, Hashes hashes, std::uint32_t max_distance_bits) {
  const auto matches = [&] {
    const nb::gil_scoped_release unlocked;
    return index.search(hashes.data(), hashes.shape(0), max_distance_bits);
  }();
  return nb::make_tuple(column<std::int64_t>(matches, &staydown::Match::query),
                        column<std::uint64_t>(matches, &staydown::Match::key),
                        column<std::int64_t>(matches, &staydown::Match::distance_bits));
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "The compiled part of staydown_match. Use the package, which checks what it is given.";

  module.def("pdq_from_rgb", &pdq_from_rgb, "pixels"_a.noconvert());
  module.def("pdq_from_grey", &pdq_from_grey, "pixels"_a.noconvert());
  module.def("pdq_from_plane", &pdq_from_plane<std::uint8_t>, "plane"_a.noconvert(), "black"_a, "white"_a);
  module.def("pdq_from_plane", &pdq_from_plane<std::uint16_t>, "plane"_a.noconvert(), "black"_a, "white"_a);

  nb::class_<staydown::BruteForceIndex>(module, "BruteForceIndex")
      .def(nb::init<>())
      .def(
          "add",
          [](staydown::BruteForceIndex& index, Keys keys, Hashes hashes) {
            if (keys.shape(0) != hashes.shape(0)) throw nb::value_error("keys and hashes differ in length");
            const nb::gil_scoped_release unlocked;
            index.add(keys.data(), hashes.data(), keys.shape(0));
          },
          "keys"_a.noconvert(), "hashes"_a.noconvert())
      .def(
          "remove",
          [](staydown::BruteForceIndex& index, Keys keys) {
            const nb::gil_scoped_release unlocked;
            return index.remove(keys.data(), keys.shape(0));
          },
          "keys"_a.noconvert())
      .def("search", &search, "hashes"_a.noconvert(), "max_distance_bits"_a)
      .def("__len__", [](const staydown::BruteForceIndex& index) {
        const nb::gil_scoped_release unlocked;
        return index.size();
      });
}

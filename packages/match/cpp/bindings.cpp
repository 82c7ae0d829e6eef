// The Python module `_native`: arrays in, arrays out, the GIL released while C++ works. Checks of what callers pass, and
// every message they read, are in the Python facade.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "brute_force_index.hpp"
#include "hamming/kernels.hpp"
#include "hamming_index.hpp"
#include "pdq.hpp"
#include "pdq_plane.hpp"
#include "pdq_trace.hpp"
#include "pdq_trim.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename Scalar, typename... Shape>
using Input = nb::ndarray<const Scalar, Shape..., nb::c_contig, nb::device::cpu>;
using RgbPixels = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, 3>, nb::device::cpu>;
using GreyPixels = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::device::cpu>;
template <typename Sample>
using StridedPlane = nb::ndarray<const Sample, nb::ndim<2>, nb::device::cpu>;
using Keys = Input<std::uint64_t, nb::ndim<1>>;
using Hashes = Input<std::uint8_t, nb::shape<-1, staydown::kHashBytes>>;
template <typename Scalar>
using Output = nb::ndarray<nb::numpy, Scalar, nb::ndim<1>>;
// The hash, its quality, and the hashes of the eight orientations one after the other.
using BitsAndQuality = nb::typed<nb::tuple, nb::bytes, int, nb::bytes>;
using QueryKeyDistance = nb::typed<nb::tuple, Output<std::int64_t>, Output<std::uint64_t>, Output<std::int64_t>>;

BitsAndQuality to_python(const staydown::PdqHash& hash) {
  return nb::make_tuple(nb::bytes(hash.bits.data(), hash.bits.size()), hash.quality,
                        nb::bytes(hash.orientations.data(), sizeof(hash.orientations)));
}

template <typename Pixels>
staydown::PixelView view_of(const Pixels& pixels) {
  const std::size_t channels = pixels.ndim() == 3 ? 3 : 1;
  const std::int64_t side_by_side = static_cast<std::int64_t>(channels);
  if (pixels.ndim() == 3 && pixels.stride(2) != 1) throw nb::value_error("the bytes of a pixel must lie side by side");
  if (std::abs(pixels.stride(0)) != side_by_side && std::abs(pixels.stride(1)) != side_by_side) {
    throw nb::value_error("pixels must lie side by side along one axis");
  }
  return {pixels.data(), pixels.shape(0), pixels.shape(1), channels, pixels.stride(0), pixels.stride(1)};
}

template <typename Pixels>
BitsAndQuality pdq_from_pixels(Pixels pixels) {
  const staydown::PixelView view = view_of(pixels);
  const auto hash = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::pdq_from_pixels(view);
  }();
  return to_python(hash);
}

nb::typed<nb::tuple, nb::bytes, int, nb::bytes, int> pdq_from_shrunk_grey(GreyPixels pixels, std::size_t full_height, std::size_t full_width,
                                    std::size_t scale) {
  const auto shrunk = [scale](std::size_t side) { return (side + scale - 1) / scale; };
  const bool fits = scale > 0 && pixels.shape(0) == shrunk(full_height) && pixels.shape(1) == shrunk(full_width);
  if (!fits) throw nb::value_error("the picture has not the sides that the full ones and the scale give");
  const staydown::PixelView view = view_of(pixels);
  const auto [hash, unsure_bits] = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::pdq_from_shrunk_grey(view, full_height, full_width, scale);
  }();
  return nb::make_tuple(nb::bytes(hash.bits.data(), hash.bits.size()), hash.quality,
                        nb::bytes(hash.orientations.data(), sizeof(hash.orientations)), unsure_bits);
}

nb::typed<nb::dict, nb::str, double> trace_pdq(Input<std::uint8_t, nb::shape<-1, -1, 3>> pixels) {
  const staydown::PdqTrace trace = staydown::trace_pdq(pixels.data(), pixels.shape(0), pixels.shape(1), 3);
  nb::dict result;
  result["grid_bound"] = trace.grid_bound;
  result["grid_difference"] = trace.grid_difference;
  result["coefficient_bound"] = trace.coefficient_bound;
  result["coefficient_difference"] = trace.coefficient_difference;
  result["gap"] = trace.gap;
  result["quality_certain"] = static_cast<double>(trace.quality_certain);
  result["certain"] = static_cast<double>(trace.certain);
  return nb::typed<nb::dict, nb::str, double>(result);
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

using BoundsTuple = nb::typed<nb::tuple, int, int, int, int>;

template <typename Pixels, typename Sample>
BoundsTuple trim(Pixels pixels, int tolerance) {
  const std::size_t channels = pixels.ndim() == 3 ? 3 : 1;
  if (pixels.ndim() == 3 && pixels.stride(2) != 1) throw nb::value_error("the bytes of a pixel must lie side by side");
  const auto bounds = [&] {
    const nb::gil_scoped_release unlocked;
    return staydown::trim(staydown::LumaView<Sample>{pixels.data(), pixels.shape(0), pixels.shape(1), channels,
                                                     pixels.stride(0), pixels.stride(1), tolerance});
  }();
  return nb::make_tuple(bounds.top, bounds.bottom, bounds.left, bounds.right);
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

QueryKeyDistance to_python(const std::vector<staydown::Match>& matches) {
  return nb::make_tuple(column<std::int64_t>(matches, &staydown::Match::query),
                        column<std::uint64_t>(matches, &staydown::Match::key),
                        column<std::int64_t>(matches, &staydown::Match::distance_bits));
}

QueryKeyDistance search(const staydown::BruteForceIndex& index, Hashes hashes, std::uint32_t max_distance_bits) {
  const auto matches = [&] {
    const nb::gil_scoped_release unlocked;
    return index.search(hashes.data(), hashes.shape(0), max_distance_bits);
  }();
  return to_python(matches);
}

#include "bindings_hamming_index.hpp"

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "The compiled part of staydown_match. Use the package, which checks what it is given.";

  module.def("pdq_from_rgb", &pdq_from_pixels<RgbPixels>, "pixels"_a.noconvert());
  module.def("pdq_from_grey", &pdq_from_pixels<GreyPixels>, "pixels"_a.noconvert());
  module.def("pdq_from_shrunk_grey", &pdq_from_shrunk_grey, "pixels"_a.noconvert(), "full_height"_a, "full_width"_a,
             "scale"_a);
  module.def("trim_rgb", &trim<RgbPixels, std::uint8_t>, "pixels"_a.noconvert(), "tolerance"_a);
  module.def("trim_grey", &trim<StridedPlane<std::uint8_t>, std::uint8_t>, "pixels"_a.noconvert(), "tolerance"_a);
  module.def("trim_grey", &trim<StridedPlane<std::uint16_t>, std::uint16_t>, "pixels"_a.noconvert(), "tolerance"_a);
  module.def("trace_pdq", &trace_pdq, "pixels"_a.noconvert());
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

  bind_hamming_index(module);
}

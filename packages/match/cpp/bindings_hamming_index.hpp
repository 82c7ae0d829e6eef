// The part of bindings.cpp that is about HammingIndex; included by it once, after what both use.

// An OSError, which becomes FileNotFoundError and the like by its number.
void set_os_error(const std::error_code& code, const std::string& path) {
  nb::object name = nb::steal(PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
  PyErr_SetObject(PyExc_OSError, nb::make_tuple(code.value(), code.message(), name).ptr());
}

void raise_os_error(const std::exception_ptr& failure, void* /*unused*/) {
  try {
    std::rethrow_exception(failure);
  } catch (const staydown::HammingSystemError& error) {
    set_os_error(error.code(), error.path().string());
  } catch (const std::filesystem::filesystem_error& error) {
    set_os_error(error.code(), error.path1().string());
  }
}

QueryKeyDistance search_hamming(const staydown::HammingIndex& index, Hashes hashes, std::uint32_t max_distance_bits,
                                std::size_t limit, bool best_per_key, std::size_t threads) {
  const auto matches = [&] {
    const nb::gil_scoped_release unlocked;
    // A limit of 0 says that there is none.
    const staydown::HammingWanted wanted{max_distance_bits, limit == 0 ? staydown::HammingWanted::kNoLimit : limit,
                                         best_per_key};
    return index.search(hashes.data(), hashes.shape(0), wanted, threads);
  }();
  return to_python(matches);
}

using Stats = nb::typed<nb::tuple, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t,
                        nb::typed<nb::tuple, int, nb::ellipsis>, std::string>;

Stats hamming_stats(const staydown::HammingIndex& index) {
  const auto stats = [&] {
    const nb::gil_scoped_release unlocked;
    return index.stats();
  }();
  nb::list widths;
  for (const std::size_t width : stats.chunk_widths_bits) widths.append(width);
  return nb::make_tuple(stats.hashes, stats.distinct_hashes, stats.changed_hashes, stats.memory_bytes, stats.mapped_bytes,
                        stats.unsaved_bytes, nb::tuple(widths), stats.kernels);
}

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const auto* kernels : staydown::hamming::supported_kernels()) names.emplace_back(kernels->name);
  return names;
}

void bind_hamming_index(nb::module_& module) {
  nb::exception<staydown::HammingFileError>(module, "IndexFileError", PyExc_ValueError).attr("__doc__") =
      "An index's file cannot be read: no index, of a newer format, incomplete or damaged. The message says what to do.";
  nb::exception<staydown::HammingConflictError>(module, "IndexConflictError", PyExc_RuntimeError).attr("__doc__") =
      "Another process has saved to an index's file since it was opened here: open it again and repeat the changes.";
  nb::register_exception_translator(&raise_os_error);

  // For tests: every version gives the same answers.
  module.def("kernel_names", &kernel_names);
  module.def("choose_kernels", [](const std::string& name) { return staydown::hamming::choose_kernels(name); }, "name"_a);

  nb::class_<staydown::HammingIndex>(module, "HammingIndex")
      .def(nb::init<>())
      .def_static(
          "open", [](const std::string& path) { return staydown::HammingIndex::open(path); }, "path"_a,
          nb::call_guard<nb::gil_scoped_release>())
      .def(
          "add",
          [](staydown::HammingIndex& index, Keys keys, Hashes hashes) {
            if (keys.shape(0) != hashes.shape(0)) throw nb::type_error("keys and hashes differ in length");
            const nb::gil_scoped_release unlocked;
            index.add(keys.data(), hashes.data(), keys.shape(0));
          },
          "keys"_a.noconvert(), "hashes"_a.noconvert())
      .def(
          "remove",
          [](staydown::HammingIndex& index, Keys keys) {
            const nb::gil_scoped_release unlocked;
            return index.remove(keys.data(), keys.shape(0));
          },
          "keys"_a.noconvert())
      .def("search", &search_hamming, "hashes"_a.noconvert(), "max_distance_bits"_a, "limit"_a, "best_per_key"_a,
           "threads"_a)
      .def(
          "save", [](staydown::HammingIndex& index, const std::string& path) { index.save(path); }, "path"_a,
          nb::call_guard<nb::gil_scoped_release>())
      .def("compact", [](staydown::HammingIndex& index) { index.compact(); }, nb::call_guard<nb::gil_scoped_release>())
      .def(
          "compact_into",
          [](staydown::HammingIndex& index, const std::vector<std::uint8_t>& widths) { index.compact(widths); },
          "chunk_widths_bits"_a, nb::call_guard<nb::gil_scoped_release>())
      .def("stats", &hamming_stats)
      .def("__len__", [](const staydown::HammingIndex& index) { return index.size(); });
}

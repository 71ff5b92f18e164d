package org.adjoint.cuda.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.adjoint.backend.DeviceUnavailableException;

/** What a search that failed tells the user: in the first line the reason and the remedy, then what was tried. */
final class Advice {
    private Advice() { }

    static DeviceUnavailableException onDriver(LibrarySearch search) {
        return because(search, search.fault(LibrarySearch.DRIVER)
            .orElse("no NVIDIA driver was found (" + LibrarySearch.DRIVER + ")")
            + "; install NVIDIA driver 525 or newer");
    }

    /** The system's loader can't be called at all. */
    static DeviceUnavailableException onNativeAccess(LinkageError reason) {
        return new DeviceUnavailableException("this JVM calls no native code"
            + (NativeAccess.isGranted() ? " (" + reason + ")" : "; start it with " + NativeAccess.option()), reason);
    }

    static DeviceUnavailableException onJCuda(LibrarySearch search, Unfit reason) {
        return because(search, reason.getMessage());
    }

    /** Of the major versions the one of which something is there is the one to complete. */
    static DeviceUnavailableException onToolkit(LibrarySearch search, LoadedLibrary driver, List<Integer> majors) {
        Optional<Integer> begun = majors.stream().filter(major -> Stream.of(LibrarySearch.CUBLAS, LibrarySearch.NVRTC)
            .anyMatch(name -> search.isUsable(name + major) || search.fault(name + major).isPresent())).findFirst();
        Optional<String> tooNew = majors.stream().filter(major -> major > driver.major())
            .flatMap(major -> search.glimpse(major).map(file -> file + " is of CUDA " + major).stream()).findFirst();
        if (begun.isEmpty() && tooNew.isPresent()) {
            return because(search, tooNew.get() + ", but the driver serves CUDA up to " + driver.version()
                + "; install NVIDIA driver 580 or newer, or " + installation(List.of("cublas", "cuda-nvrtc"), 12));
        }
        int major = begun.orElse(majors.contains(12) ? 12 : majors.getFirst());
        List<String> reasons = new ArrayList<>();
        List<String> packages = new ArrayList<>();
        describe("cuBLAS", LibrarySearch.CUBLAS + major, "cublas", search, reasons, packages);
        describe("NVRTC", LibrarySearch.NVRTC + major, "cuda-nvrtc", search, reasons, packages);
        return because(search, String.join("; ", reasons) + "; " + installation(packages, major));
    }

    /** The compiler alone is looked for. */
    static DeviceUnavailableException onCompiler(LibrarySearch search, List<Integer> majors) {
        int major = majors.stream().filter(it -> search.fault(LibrarySearch.NVRTC + it).isPresent()).findFirst()
            .orElse(12);
        List<String> reasons = new ArrayList<>();
        List<String> packages = new ArrayList<>();
        describe("NVRTC", LibrarySearch.NVRTC + major, "cuda-nvrtc", search, reasons, packages);
        return because(search, reasons.getFirst() + "; " + installation(packages, major));
    }

    private static void describe(String title, String name, String wheel, LibrarySearch search, List<String> reasons,
        List<String> packages) {
        if (!search.isUsable(name)) {
            reasons.add(search.fault(name).orElse("no " + title + " was found (" + name + ")"));
            packages.add(wheel);
        }
    }

    private static String installation(List<String> packages, int major) {
        List<String> wheels = packages.stream().map(it -> "nvidia-" + it + (major == 12 ? "-cu12" : "")).toList();
        return "pip install " + String.join(" ", wheels) + ", or install CUDA " + major
            + " and set CUDA_HOME to it, or name the folders with -D" + Places.PROPERTY + "=... or " + Places.VARIABLE;
    }

    private static DeviceUnavailableException because(LibrarySearch search, String reason) {
        List<String> lines = new ArrayList<>(List.of(reason));
        search.tried().stream().map(line -> "tried: " + line).forEach(lines::add);
        return new DeviceUnavailableException(String.join("\n", lines));
    }
}

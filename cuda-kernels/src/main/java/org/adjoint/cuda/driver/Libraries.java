package org.adjoint.cuda.driver;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.adjoint.backend.DeviceUnavailableException;

/**
 * CUDA's libraries, loaded once for the process: the driver's {@code libcuda.so.1}, cuBLAS and NVRTC of CUDA 12 or, where
 * there is no complete CUDA 12, of CUDA 13, and JCuda's libraries on top of them.
 *
 * <p>They are looked for in this order: the folders of the system property {@code adjoint.cuda.libraries} or, without
 * it, of the environment variable {@code ADJOINT_CUDA_LIBRARIES}, separated as in a class path; CUDA_HOME and CUDA_PATH;
 * the active Python environment; the loader by name; the usual folders of the system.
 */
public final class Libraries {
    /** CUDA 12.0, which NVIDIA's driver 525 brought. */
    private static final int LEAST_DRIVER = 12_000;
    private static final List<Integer> MAJORS = List.of(12, 13);

    private static Libraries loaded;
    private static String failure;
    private static String failedFor;

    private final int major;
    private final LoadedLibrary driver;
    private final LoadedLibrary cublas;
    private final LoadedLibrary nvrtc;
    private final String driverVersion;
    private final String cublasVersion;
    private final String nvrtcVersion;

    private Libraries(int major, LoadedLibrary driver, LoadedLibrary cublas, LoadedLibrary nvrtc) throws Unfit {
        this.major = major;
        this.driver = driver;
        this.cublas = cublas;
        this.nvrtc = nvrtc;
        this.driverVersion = cudaVersion(driverVersion(driver));
        int[] compiler = nvrtc.library().integers("nvrtcVersion", 2);
        this.nvrtcVersion = compiler[0] + "." + compiler[1];
        this.cublasVersion = cublas.library().property("cublasGetProperty", 0) + "."
            + cublas.library().property("cublasGetProperty", 1) + "." + cublas.library().property("cublasGetProperty", 2);
    }

    /**
     * Finds and loads the libraries, at the first call. A failure is remembered too, until {@code adjoint.cuda.libraries}
     * names other folders.
     *
     * @throws DeviceUnavailableException if there is no usable set; its first line says what is missing, the others what
     *     was tried and what to install
     */
    public static synchronized Libraries load() {
        if (loaded != null) {
            return loaded;
        }
        String folders = System.getProperty(Places.PROPERTY);
        if (failure == null || !Objects.equals(folders, failedFor)) {
            try {
                loaded = find();
                return loaded;
            } catch (DeviceUnavailableException e) {
                failure = e.getMessage();
                failedFor = folders;
            }
        }
        throw new DeviceUnavailableException(failure);
    }

    /** 12 or 13. */
    public int cudaMajor() {
        return major;
    }

    /** The newest CUDA that the driver serves, such as {@code "12.4"}. */
    public String driverVersion() {
        return driverVersion;
    }

    /** Such as {@code "12.6"}. */
    public String nvrtcVersion() {
        return nvrtcVersion;
    }

    /** Such as {@code "12.6.4"}. */
    public String cublasVersion() {
        return cublasVersion;
    }

    public Path driverPath() {
        return driver.path();
    }

    public Path nvrtcPath() {
        return nvrtc.path();
    }

    public Path cublasPath() {
        return cublas.path();
    }

    /**
     * The address of a function of the driver, NVRTC or cuBLAS. Calling one through JCuda that these libraries do not
     * have ends the process: CUDA 13 dropped some that JCuda still offers, an older driver lacks others.
     */
    public Optional<MemorySegment> find(String function) {
        return Stream.of(driver, nvrtc, cublas).flatMap(it -> it.library().find(function).stream()).findFirst();
    }

    /** Versions, and from where each library was loaded, a line each. */
    public List<String> details() {
        List<String> lines = new ArrayList<>();
        lines.add("driver " + kernelModule().map(version -> version + ", ").orElse("") + "CUDA up to " + driverVersion
            + ": " + driver.path() + " (" + driver.place() + ")");
        lines.add("cuBLAS " + cublasVersion + ": " + cublas.path() + " (" + cublas.place() + ")");
        lines.add("NVRTC " + nvrtcVersion + ": " + nvrtc.path() + " (" + nvrtc.place() + ")");
        return lines;
    }

    /** The version of the driver's kernel module, which is the number its packages bear. */
    private static Optional<String> kernelModule() {
        try {
            return Optional.of(Files.readString(Path.of("/sys/module/nvidia/version")).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Libraries find() {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new DeviceUnavailableException("CUDA is supported on Linux x86-64 only, for now; this is " + system);
        }
        LibrarySearch search = new LibrarySearch(System::getenv);
        LoadedLibrary driver = search.driver().orElseThrow(() -> unusable(search,
            "no NVIDIA driver was found (libcuda.so.1)", "install NVIDIA's driver, version 525 or newer"));
        LoadedLibrary cublas = null;
        LoadedLibrary nvrtc = null;
        for (int major : MAJORS) {
            cublas = search.cublas(major).orElse(null);
            nvrtc = search.nvrtc(major).orElse(null);
            if (cublas != null && nvrtc != null) {
                try {
                    JCudaNatives.load(major);
                    return new Libraries(major, driver, cublas, nvrtc);
                } catch (Unfit e) {
                    throw unusable(search, e.getMessage(), "");
                }
            }
        }
        throw unusable(search, "no complete set", "pip install nvidia-cublas-cu12 nvidia-cuda-nvrtc-cu12");
    }

    private static DeviceUnavailableException unusable(LibrarySearch search, String reason, String remedy) {
        return new DeviceUnavailableException("CUDA can't be used: " + reason + "\n" + String.join("\n", search.tried()) + "\n" + remedy);
    }

    private static int driverVersion(LoadedLibrary driver) throws Unfit {
        return driver.library().integers("cuDriverGetVersion", 1)[0];
    }

    private static String cudaVersion(int number) {
        return number / 1000 + "." + number % 1000 / 10;
    }
}

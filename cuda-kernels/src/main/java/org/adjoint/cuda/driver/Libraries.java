package org.adjoint.cuda.driver;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.adjoint.backend.DeviceUnavailableException;

/**
 * CUDA's libraries, loaded once for the process: the driver's {@code libcuda.so.1}, cuBLAS and NVRTC of CUDA 12 or,
 * where CUDA 12 is not complete, of CUDA 13, and JCuda's libraries on top of them.
 *
 * <p>cuBLAS and NVRTC are looked for in this order: the folders of the system property {@code adjoint.cuda.libraries}
 * or, without it, of the environment variable {@code ADJOINT_CUDA_LIBRARIES}, separated as in a class path; jars on the
 * class path ({@code org.bytedeco:cuda-redist}); CUDA_HOME and CUDA_PATH; the active Python environment; the loader by
 * name; the usual folders of the system. The driver is looked for in the same order, but neither in jars, nor in
 * toolkits, nor in Python's packages. A folder named explicitly that holds CUDA 13 alone puts 13 before 12.
 *
 * <p>To compile kernels for a card that is elsewhere, {@link #loadCompiler} needs NVRTC alone. A process has one NVRTC:
 * where that came first, the other libraries are looked for in its major version.
 */
public final class Libraries {
    private static final Pattern DRIVER_FILE = Pattern.compile("libcuda\\.so\\.(\\d{3,}(\\.\\d+)+)");

    private static Libraries loaded;
    private static Nvrtc compiler;
    private static String failure;
    private static String failedFor;

    private final int major;
    private final LoadedLibrary driver;
    private final LoadedLibrary cublas;
    private final LoadedLibrary nvrtc;
    private final List<String> passedOver;

    private Libraries(int major, LoadedLibrary driver, LoadedLibrary cublas, LoadedLibrary nvrtc,
            List<String> passedOver) {
        this.major = major;
        this.driver = driver;
        this.cublas = cublas;
        this.nvrtc = nvrtc;
        this.passedOver = passedOver;
    }

    /**
     * Finds and loads the libraries, at the first call. A failure is remembered too, until
     * {@code adjoint.cuda.libraries} names other folders.
     *
     * @throws DeviceUnavailableException if there is no usable set; the first line of its message says what is missing
     *     and what to install, the others what was tried
     */
    public static synchronized Libraries load() {
        if (loaded != null) {
            return loaded;
        }
        String folders = System.getProperty(Places.PROPERTY);
        if (failure == null || !Objects.equals(folders, failedFor)) {
            try {
                loaded = find(Surroundings.ofProcess(), compiler);
                return loaded;
            } catch (DeviceUnavailableException e) {
                failure = e.getMessage();
                failedFor = folders;
            }
        }
        throw new DeviceUnavailableException(failure);
    }

    /**
     * Finds and loads NVRTC, without a driver or cuBLAS; that of {@link #load} if it came before.
     *
     * @throws DeviceUnavailableException if there is none that is usable; the first line of its message says why and
     *     what to install, the others what was tried
     */
    public static synchronized Nvrtc loadCompiler() {
        if (loaded != null) {
            return loaded.compiler();
        }
        if (compiler == null) {
            compiler = findCompiler(Surroundings.ofProcess());
        }
        return compiler;
    }

    /** NVRTC, which compiles kernels. */
    public Nvrtc compiler() {
        return new Nvrtc(nvrtc);
    }

    /** 12 or 13. */
    public int cudaMajor() {
        return major;
    }

    /** The newest CUDA that the driver serves, such as {@code "12.4"}. */
    public String driverVersion() {
        return driver.version();
    }

    /** Such as {@code "12.6"}. */
    public String nvrtcVersion() {
        return nvrtc.version();
    }

    /**
     * The address of a function of the driver, NVRTC or cuBLAS, if they have it. To call one through JCuda that they do
     * not have ends the process: CUDA 13 dropped some that JCuda still offers, an older driver lacks others.
     */
    public Optional<MemorySegment> find(String function) {
        return Stream.of(driver, nvrtc, cublas).flatMap(it -> it.library().find(function).stream()).findFirst();
    }

    /** Versions, from where each library was loaded, and what could not be used, a line each. */
    public List<String> details() {
        List<String> lines = new ArrayList<>(List.of(
            "driver " + releaseOfDriver().map(it -> it + ", ").orElse("") + "CUDA up to " + driver.version() + ": "
                + driver.origin(),
            "cuBLAS " + cublas.version() + ": " + cublas.origin(),
            "NVRTC " + nvrtc.version() + ": " + nvrtc.origin()));
        passedOver.forEach(line -> lines.add("passed over: " + line));
        return lines;
    }

    /** The number that the driver's packages bear, such as 550.54.14: libcuda.so.1 is a link to a file of that name. */
    private Optional<String> releaseOfDriver() {
        try {
            Matcher name = DRIVER_FILE.matcher(driver.path().toRealPath().getFileName().toString());
            return name.matches() ? Optional.of(name.group(1)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** As {@link #loadCompiler}, without remembering anything. */
    static Nvrtc findCompiler(Surroundings surroundings) {
        requireSupportedSystem();
        LibrarySearch search = new LibrarySearch(surroundings);
        List<Integer> majors = Places.majors(surroundings);
        try {
            for (int major : majors) {
                Optional<LoadedLibrary> nvrtc = search.nvrtc(major);
                if (nvrtc.isPresent()) {
                    return onCompiler(nvrtc.get(), major, search);
                }
            }
        } catch (LinkageError e) {
            throw Advice.onNativeAccess(e);
        }
        throw Advice.onCompiler(search, majors);
    }

    private static Nvrtc onCompiler(LoadedLibrary nvrtc, int major, LibrarySearch search) {
        try {
            JCudaNatives.loadCompiler(major);
            return new Nvrtc(nvrtc);
        } catch (Unfit e) {
            nvrtc.close();
            throw Advice.onJCuda(search, e);
        }
    }

    private static void requireSupportedSystem() {
        String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        if (!system.equals("Linux amd64")) {
            throw new DeviceUnavailableException("CUDA is supported on Linux x86-64 only, for now; this is " + system);
        }
    }

    /**
     * As {@link #load}, without remembering anything.
     *
     * @param compiler that is loaded already, or null
     */
    static Libraries find(Surroundings surroundings, Nvrtc compiler) {
        requireSupportedSystem();
        LibrarySearch search = new LibrarySearch(surroundings);
        Optional<LoadedLibrary> driver;
        try {
            driver = search.driver();
        } catch (LinkageError e) {
            throw Advice.onNativeAccess(e);
        }
        if (driver.isEmpty()) {
            throw Advice.onDriver(search);
        }
        try {
            return onDriver(driver.get(), search,
                compiler == null ? Places.majors(surroundings) : List.of(compiler.major()));
        } catch (DeviceUnavailableException e) {
            driver.get().close();
            throw e;
        }
    }

    private static Libraries onDriver(LoadedLibrary driver, LibrarySearch search, List<Integer> majors) {
        for (int major : majors) {
            if (major > driver.major()) {
                continue;
            }
            Optional<LoadedLibrary> cublas = search.cublas(major);
            Optional<LoadedLibrary> nvrtc = search.nvrtc(major);
            try {
                if (cublas.isPresent() && nvrtc.isPresent()) {
                    JCudaNatives.load(major);
                    return new Libraries(major, driver, cublas.get(), nvrtc.get(), search.passedOver());
                }
            } catch (Unfit e) {
                cublas.get().close();
                nvrtc.get().close();
                throw Advice.onJCuda(search, e);
            }
            cublas.ifPresent(LoadedLibrary::close);
            nvrtc.ifPresent(LoadedLibrary::close);
        }
        throw Advice.onToolkit(search, driver, majors);
    }
}

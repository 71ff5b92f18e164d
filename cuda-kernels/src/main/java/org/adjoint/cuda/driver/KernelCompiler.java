package org.adjoint.cuda.driver;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import jcuda.nvrtc.nvrtcResult;
import org.adjoint.backend.DeviceUnavailableException;
import org.adjoint.cuda.launch.Source;

/**
 * Compiles sources to cubin by NVRTC, or takes them from the cache. Needs no card, so that a cache can be filled for
 * one that is elsewhere. Usable from any thread.
 */
public final class KernelCompiler {
    /** Contraction of a * b + c would give other bits than the CPU: kernels write fma where they mean it. */
    private static final List<String> OPTIONS = List.of("--fmad=false", "--std=c++17");

    private static final int PARALLEL = 8;
    private static final int LINES_AROUND = 3;
    private static final Pattern ERROR =
        Pattern.compile("^(\\S+?)\\((\\d+)\\): (?:catastrophic )?error", Pattern.MULTILINE);

    /** In keys of folders filled beforehand: what another NVRTC compiled is as good. */
    private static final String ANY_VERSION = "";

    private final CubinCache cache;
    private final String version;
    private final String versionInKeys;
    private final int[] architectures;

    /** @throws CudaException if NVRTC does not answer */
    public KernelCompiler(Nvrtc nvrtc, CubinCache cache) {
        this(nvrtc, cache, nvrtc.version());
    }

    private KernelCompiler(Nvrtc nvrtc, CubinCache cache, String versionInKeys) {
        this.cache = cache;
        this.version = nvrtc.version();
        this.versionInKeys = versionInKeys;
        JNvrtc.setExceptionsEnabled(false);
        int[] count = new int[1];
        check(JNvrtc.nvrtcGetNumSupportedArchs(count), "nvrtcGetNumSupportedArchs", "");
        architectures = new int[count[0]];
        check(JNvrtc.nvrtcGetSupportedArchs(architectures), "nvrtcGetSupportedArchs", "");
        Arrays.sort(architectures);
    }

    /**
     * A compiler that fills a folder for machines that are to take from it whatever NVRTC they have.
     *
     * @throws CudaException if NVRTC does not answer
     */
    public static KernelCompiler filling(Path folder, Nvrtc nvrtc) {
        return new KernelCompiler(nvrtc, new CubinCache(folder, List.of(), Long.MAX_VALUE), ANY_VERSION);
    }

    /** NVRTC's, such as {@code 12.6}. */
    public String version() {
        return version;
    }

    /**
     * What to compile for: the card's architecture, or the newest before it of the same major number, whose code it
     * runs.
     *
     * @throws DeviceUnavailableException if this NVRTC is too old, or too new, for the card
     */
    public int target(int architecture) {
        int best = 0;
        for (int known : architectures) {
            if (known <= architecture && known / 10 == architecture / 10) {
                best = known;
            }
        }
        if (best == 0) {
            throw new DeviceUnavailableException("cuda: NVRTC " + version + " can't compile for compute capability "
                + architecture / 10 + "." + architecture % 10 + ", only for " + Arrays.toString(architectures)
                + " (times 10): install the NVRTC of another CUDA version");
        }
        return best;
    }

    /**
     * @param architecture compute capability times 10, one that {@link #target} gave
     * @throws CudaException if the source does not compile, with the compiler's messages
     */
    public byte[] cubin(Source source, int architecture) {
        List<String> options = options(source, architecture);
        byte[] key = key(source, options, versionInKeys);
        return cache.load(key, key(source, options, ANY_VERSION)).orElseGet(() -> build(source, options, key));
    }

    /** Compiles though the cache has an entry, which the driver did not take. */
    byte[] rebuild(Source source, int architecture) {
        List<String> options = options(source, architecture);
        return build(source, options, key(source, options, versionInKeys));
    }

    private byte[] build(Source source, List<String> options, byte[] key) {
        byte[] cubin = compile(source, options);
        cache.store(key, cubin);
        return cubin;
    }

    private static List<String> options(Source source, int architecture) {
        List<String> options = new ArrayList<>(OPTIONS);
        options.add("--gpu-architecture=sm_" + architecture);
        options.addAll(source.options());
        return options;
    }

    private static byte[] key(Source source, List<String> options, String version) {
        List<String> parts = new ArrayList<>(options);
        parts.add(version);
        parts.add(source.name());
        parts.add(source.text());
        for (String header : source.headers()) {
            parts.add(Source.text(header));
        }
        return CubinCache.key(parts);
    }

    /** Compiles what the cache lacks, several at once. */
    public void prepare(Collection<Source> sources, int architecture) {
        List<Callable<byte[]>> tasks = new ArrayList<>();
        new LinkedHashSet<>(sources).forEach(source -> tasks.add(() -> cubin(source, architecture)));
        int threads = Math.min(Math.min(PARALLEL, Runtime.getRuntime().availableProcessors()), tasks.size());
        if (threads == 0) {
            return;
        }
        try (ExecutorService workers = Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon()
            .name("adjoint-nvrtc-", 0).factory())) {
            for (Future<byte[]> done : workers.invokeAll(tasks)) {
                done.get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while kernels were compiled", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                case Throwable cause -> throw new IllegalStateException("kernels could not be compiled", cause);
            }
        }
    }

    private static byte[] compile(Source source, List<String> options) {
        String[] names = source.headers().toArray(String[]::new);
        String[] headers = Stream.of(names).map(Source::text).toArray(String[]::new);
        nvrtcProgram program = new nvrtcProgram();
        check(JNvrtc.nvrtcCreateProgram(program, source.text(), source.name(), headers.length, headers,
            names), "nvrtcCreateProgram", "of " + source.name());
        try {
            int status = JNvrtc.nvrtcCompileProgram(program, options.size(), options.toArray(String[]::new));
            if (status == nvrtcResult.NVRTC_ERROR_COMPILATION) {
                throw uncompilable(source, options, log(program));
            }
            check(status, "nvrtcCompileProgram", "of " + source.name() + " with " + options);
            long[] size = new long[1];
            check(JNvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize", "of " + source.name());
            byte[] cubin = new byte[Math.toIntExact(size[0])];
            check(JNvrtc.nvrtcGetCUBIN(program, cubin), "nvrtcGetCUBIN", "of " + source.name());
            return cubin;
        } finally {
            JNvrtc.nvrtcDestroyProgram(program);
        }
    }

    private static String log(nvrtcProgram program) {
        String[] log = new String[1];
        return JNvrtc.nvrtcGetProgramLog(program, log) == nvrtcResult.NVRTC_SUCCESS && log[0] != null ? log[0]
            : "(NVRTC gave no messages)";
    }

    private static CudaException uncompilable(Source source, List<String> options, String log) {
        StringBuilder message = new StringBuilder("nvrtc: the kernel source " + source.name() + " with " + options
            + " does not compile. That is a bug in Adjoint: please report it with this message.\n" + log.strip());
        Matcher error = ERROR.matcher(log);
        if (error.find()) {
            String file = error.group(1);
            int line = Integer.parseInt(error.group(2));
            String text = source.headers().contains(file) ? Source.text(file) : source.text();
            String[] lines = text.split("\n", -1);
            message.append('\n').append(file).append(':');
            for (int i = Math.max(1, line - LINES_AROUND); i <= Math.min(lines.length, line + LINES_AROUND); i++) {
                message.append(String.format("%n%s%5d  %s", i == line ? ">" : " ", i, lines[i - 1]));
            }
        }
        return new CudaException(message.toString(), "nvrtcCompileProgram", "NVRTC_ERROR_COMPILATION", false, null);
    }

    private static void check(int status, String call, String doing) {
        if (status != nvrtcResult.NVRTC_SUCCESS) {
            throw Statuses.compiler(status, call, doing);
        }
    }
}

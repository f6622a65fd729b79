using System.Buffers;
using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Scan;

namespace OtlpTap.Cli;

/// <summary>
/// A captured export request from a file: serialized protobuf, or OTLP/JSON made into protobuf here, so that all that
/// follows works on the same bytes as on the line.
/// </summary>
internal sealed record CapturedPayload(string File, Signal Signal, byte[] Request)
{
    /// <summary>False with a <paramref name="problem"/> that names the file and, where bytes are wrong, their offset.</summary>
    /// <param name="signal">Overrules the file name's <c>.traces.</c> or <c>.logs.</c>.</param>
    public static bool TryRead(string file, Signal? signal, out CapturedPayload? payload, out string problem)
    {
        payload = null;
        if (Directory.Exists(file))
        {
            problem = $"{file}: is a directory; name the files in it";
            return false;
        }

        byte[] bytes;
        try
        {
            bytes = System.IO.File.ReadAllBytes(file);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            problem = $"{file}: {unreadable.Message}";
            return false;
        }

        var resolved = signal ?? SignalOf(Path.GetFileName(file));
        if (resolved is null)
        {
            problem = $"{file}: the file name tells no signal (a part .traces. or .logs.); say --signal traces or --signal logs";
            return false;
        }

        if (IsJson(file, bytes))
        {
            var request = new ArrayBufferWriter<byte>(Math.Max(bytes.Length, 256));
            if (!OtlpJson.TryRead(resolved.Value, bytes, request, out var error))
            {
                problem = $"{file}: byte {error.ByteOffset}: {error.Message}";
                return false;
            }

            bytes = request.WrittenSpan.ToArray();
        }

        payload = new CapturedPayload(file, resolved.Value, bytes);
        problem = "";
        return true;
    }

    /// <summary>
    /// The part of the name nearest to its end that says it, with or without a number: <c>no-logs.traces-2.otlp.pb</c>
    /// holds traces. A case's own file says it in the singular.
    /// </summary>
    private static Signal? SignalOf(string name)
    {
        if (name == CaseDirectory.TraceFile)
        {
            return Signal.Traces;
        }

        var parts = name.ToLowerInvariant().Split('.');
        for (var i = parts.Length - 1; i >= 0; i--)
        {
            foreach (var word in parts[i].Split('-', '_'))
            {
                if (word is "traces" or "logs")
                {
                    return word == "traces" ? Signal.Traces : Signal.Logs;
                }
            }
        }

        return null;
    }

    /// <summary>By the ending; without a telling one by the first character: no export request in protobuf starts with a brace.</summary>
    private static bool IsJson(string file, byte[] bytes) => Path.GetExtension(file).ToLowerInvariant() switch
    {
        ".json" or ".jsonl" => true,
        ".pb" => false,
        _ => bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'{', ..] && bytes is not [0x0a, ..],
    };
}

using System.Collections.Immutable;
using OtlpTap.Redact;

namespace OtlpTap.Configuration;

/// <summary><c>corpus.redact</c>.</summary>
internal static class RedactSection
{
    public static RedactOptions Read(Section redact, RedactOptions defaults)
    {
        var options = new RedactOptions
        {
            IsEnabled = redact.Flag("enabled", defaults.IsEnabled),
            Mode = redact.Choice("mode", defaults.Mode, [("mask", RedactMode.Mask), ("hash", RedactMode.Hash), ("drop", RedactMode.Drop)]),
            Attributes = ReadAttributes(redact, defaults.Attributes),
            Patterns = ReadPatterns(redact, defaults.Patterns),
            KeyFile = redact.Text("key_file", defaults.KeyFile),
        };
        CheckKey(redact, options);
        redact.RefuseUnknownKeys();
        return options;
    }

    private static void CheckKey(Section redact, RedactOptions options)
    {
        const string Key = "key_file";
        if (options.KeyFile.Length == 0)
        {
            return;
        }

        if (!File.Exists(options.KeyFile))
        {
            redact.Error(Key, "there is no such file");
        }
        else if (options.Mode != RedactMode.Hash)
        {
            redact.Warning(Key, "has no effect: only `mode: hash` uses a key");
        }
        else
        {
            try
            {
                // Under an empty key anybody could find out, by trying, what a hash stands for.
                if (RedactionKey.Read(options.KeyFile).Length == 0)
                {
                    redact.Error(Key, "is empty: the key of the hashes is expected in it");
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                redact.Error(Key, $"cannot be read: {exception.Message}");
            }
        }
    }

    private static ImmutableArray<string> ReadAttributes(Section redact, ImmutableArray<string> byDefault)
    {
        const string Key = "attributes";
        if (redact.TextList(Key, byDefault) is not { } names)
        {
            return byDefault;
        }

        for (var i = 0; i < names.Length; i++)
        {
            if (names[i].Text.Trim('*').Length == 0)
            {
                redact.Problems.Error(names[i].Mark, $"{redact.PathOf(Key)}[{i}]", "must name an attribute, `*` stands for any characters of its name");
            }
        }

        return [.. names.Select(name => name.Text)];
    }

    private static ImmutableArray<string> ReadPatterns(Section redact, ImmutableArray<string> byDefault)
    {
        const string Key = "patterns";
        if (redact.TextList(Key, byDefault) is not { } patterns)
        {
            return byDefault;
        }

        var usable = ImmutableArray.CreateBuilder<string>(patterns.Length);
        for (var i = 0; i < patterns.Length; i++)
        {
            if (Redactor.Problem(patterns[i].Text) is { } problem)
            {
                redact.Problems.Error(patterns[i].Mark, $"{redact.PathOf(Key)}[{i}]", problem);
            }
            else
            {
                usable.Add(patterns[i].Text);
            }
        }

        return usable.ToImmutable();
    }
}

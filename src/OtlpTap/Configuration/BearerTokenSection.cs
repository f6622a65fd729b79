using System.Collections.Immutable;
using OtlpTap.Forward;
using OtlpTap.Receive;

namespace OtlpTap.Configuration;

/// <summary><c>extensions.bearertokenauth</c>: checks senders, and is shown to upstreams.</summary>
internal static class BearerTokenSection
{
    public static AuthenticatorExtension Read(string id, Section section)
    {
        var defaults = new BearerTokenOptions(id);
        var file = section.Text("filename", "");
        var options = new BearerTokenOptions(id)
        {
            Header = section.Text("header", defaults.Header).ToLowerInvariant(),
            Scheme = section.Text("scheme", defaults.Scheme),
            Tokens = ReadTokens(section),
            TokenFile = file.Length > 0 ? file : null,
        };

        if (HeaderName.Problem(options.Header) is { } problem)
        {
            section.Error("header", problem);
        }

        if (!HeaderName.IsValue(options.Scheme))
        {
            section.Error("scheme", "printable ASCII without blanks around it is expected here");
        }

        if (file.Length > 0 && !File.Exists(file))
        {
            section.Error("filename", $"no file `{file}`");
        }
        else if (file.Length > 0 && !options.Tokens.IsEmpty)
        {
            section.Warning("filename", "the file's tokens hold: `token` and `tokens` are not looked at");
        }
        else if (file.Length == 0 && options.Tokens.IsEmpty && section.Value("token") is null && section.Value("tokens") is null)
        {
            section.Problems.Error(section.Mark, section.PathOf("token"), "must be set, or `tokens`, or `filename`");
        }

        section.RefuseUnknownKeys();
        return new AuthenticatorExtension(
            id,
            options,
            new ClientBearerTokenOptions(id) { Header = options.Header, Scheme = options.Scheme, Token = options.TokenFile is null ? options.Tokens.FirstOrDefault() : null, TokenFile = options.TokenFile });
    }

    private static ImmutableArray<string> ReadTokens(Section section)
    {
        var token = section.Secret("token");
        var listed = section.TextList("tokens", isSecret: true) ?? [];
        if (token is { Length: > 0 } && !listed.IsEmpty)
        {
            section.KeyError("token", "`tokens` is set as well: one of them must go");
        }

        var tokens = ImmutableArray.CreateBuilder<string>();
        if (token is { Length: > 0 })
        {
            Add(token, section.MarkOf("token"), section.PathOf("token"));
        }

        for (var i = 0; i < listed.Length; i++)
        {
            Add(listed[i].Text, listed[i].Mark, $"{section.PathOf("tokens")}[{i}]");
        }

        return tokens.ToImmutable();

        // A token is a credential: it is not shown.
        void Add(string text, Mark mark, string path)
        {
            if (text.Length == 0 || !HeaderName.IsValue(text))
            {
                section.Problems.Error(mark, path, "a token is printable ASCII without blanks around it");
            }
            else
            {
                tokens.Add(text);
            }
        }
    }
}

using System.Security.Cryptography;
using System.Text;
using OtlpTap.Redact;

namespace OtlpTap.Feedback;

/// <summary>
/// What may be told of feedback, by the same settings as for cases (<c>corpus.redact</c>): comments without what is personal or
/// secret, and users as a keyed hash by which the backend can count them and tell them apart, and nobody can read them. Not thread-safe.
/// </summary>
/// <param name="key">Of the hashes; asked for once, when the first feedback comes.</param>
internal sealed class FeedbackPrivacy(RedactOptions options, Func<byte[]> key)
{
    private const int HashBytes = 8;

    private byte[]? _key;
    private Redactor? _redactor;

    public string? Text(string? text)
    {
        if (text is null || !options.IsEnabled)
        {
            return text;
        }

        _redactor ??= new Redactor(options, Key);
        return _redactor.Redact(text) is { Length: > 0 } left ? left : null;
    }

    /// <summary>The attribute that tells of a user; null: none may.</summary>
    public (string Key, string Value)? User(string? user)
    {
        if (user is null || (options.IsEnabled && options.Mode == RedactMode.Drop))
        {
            return null;
        }

        return options.IsEnabled
            ? ("user.hash", Convert.ToHexStringLower(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(user)).AsSpan(0, HashBytes)))
            : ("user.id", user);
    }

    private byte[] Key => _key ??= key();
}

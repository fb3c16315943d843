// iText 5, always in its append mode: sign SOURCE TARGET P12 PASSWORD NAME new|existing FIELD BOX; fill|comment SOURCE TARGET.

import com.itextpdf.text.Rectangle;
import com.itextpdf.text.pdf.AcroFields;
import com.itextpdf.text.pdf.PdfAnnotation;
import com.itextpdf.text.pdf.PdfReader;
import com.itextpdf.text.pdf.PdfSignatureAppearance;
import com.itextpdf.text.pdf.PdfStamper;
import com.itextpdf.text.pdf.security.BouncyCastleDigest;
import com.itextpdf.text.pdf.security.MakeSignature;
import com.itextpdf.text.pdf.security.PrivateKeySignature;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

public class IText {
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        PdfReader reader = new PdfReader(args[1]);
        FileOutputStream target = new FileOutputStream(args[2]);
        switch (args[0]) {
            case "sign":
                sign(reader, target, args);
                break;
            case "fill": {
                PdfStamper stamper = new PdfStamper(reader, target, '\0', true);
                AcroFields form = stamper.getAcroFields();
                form.setField("place", "Vienna");
                form.setField("agreed", "Yes");
                form.setField("colour", "green");
                form.setField("delivery", "courier");
                stamper.close();
                break;
            }
            case "comment": {
                PdfStamper stamper = new PdfStamper(reader, target, '\0', true);
                PdfAnnotation note =
                    PdfAnnotation.createText(stamper.getWriter(), box(args[3]), "Ben", "Please check.", false, "Comment");
                stamper.addAnnotation(note, 1);
                stamper.close();
                break;
            }
            default:
                throw new IllegalArgumentException(args[0]);
        }
    }

    private static void sign(PdfReader reader, FileOutputStream target, String[] args) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(new FileInputStream(args[3]), args[4].toCharArray());
        PrivateKey key = (PrivateKey) keys.getKey(args[5], args[4].toCharArray());
        Certificate[] chain = keys.getCertificateChain(args[5]);
        PdfStamper stamper = PdfStamper.createSignature(reader, target, '\0', null, true);
        PdfSignatureAppearance appearance = stamper.getSignatureAppearance();
        appearance.setReason("agreed");
        if (args[6].equals("existing")) {
            appearance.setVisibleSignature(args[7]);
        } else {
            Rectangle place = args[8].isEmpty() ? new Rectangle(0, 0, 0, 0) : box(args[8]);
            appearance.setVisibleSignature(place, 1, args[7]);
        }
        MakeSignature.signDetached(appearance, new BouncyCastleDigest(), new PrivateKeySignature(key, "SHA-256", "BC"),
            chain, null, null, null, 0, MakeSignature.CryptoStandard.CADES);
    }

    private static Rectangle box(String written) {
        String[] parts = written.split(",");
        return new Rectangle(Float.parseFloat(parts[0]), Float.parseFloat(parts[1]), Float.parseFloat(parts[2]),
            Float.parseFloat(parts[3]));
    }
}

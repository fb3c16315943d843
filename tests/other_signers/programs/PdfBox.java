// PDFBox 2, always saving incrementally: sign SOURCE TARGET P12 PASSWORD NAME new|existing FIELD BOX; fill|comment SOURCE TARGET.

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Calendar;
import java.util.HashSet;
import java.util.Set;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSBase;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAnnotationText;
import org.apache.pdfbox.pdmodel.interactive.annotation.PDAnnotationWidget;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureInterface;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.SignatureOptions;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.visible.PDVisibleSigProperties;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.visible.PDVisibleSignDesigner;
import org.apache.pdfbox.pdmodel.interactive.form.PDAcroForm;
import org.apache.pdfbox.pdmodel.interactive.form.PDField;
import org.apache.pdfbox.pdmodel.interactive.form.PDSignatureField;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

public class PdfBox {
    public static void main(String[] args) throws Exception {
        System.setProperty("java.awt.headless", "true");
        try (PDDocument document = PDDocument.load(new File(args[1])); FileOutputStream target = new FileOutputStream(args[2])) {
            switch (args[0]) {
                case "sign":
                    sign(document, target, args);
                    break;
                case "fill":
                    fill(document, target);
                    break;
                case "comment":
                    comment(document, target, args[3]);
                    break;
                default:
                    throw new IllegalArgumentException(args[0]);
            }
        }
    }

    private static void sign(PDDocument document, FileOutputStream target, String[] args) throws Exception {
        KeyStore keys = KeyStore.getInstance("PKCS12");
        keys.load(new FileInputStream(args[3]), args[4].toCharArray());
        PrivateKey key = (PrivateKey) keys.getKey(args[5], args[4].toCharArray());
        Certificate[] chain = keys.getCertificateChain(args[5]);

        PDSignature signature = new PDSignature();
        signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
        signature.setSubFilter(PDSignature.SUBFILTER_ADBE_PKCS7_DETACHED);
        signature.setName(args[5]);
        signature.setReason("agreed");
        signature.setSignDate(Calendar.getInstance());

        PDRectangle place = args[8].isEmpty() ? null : box(args[8]);
        if (args[6].equals("existing")) {
            PDSignatureField field = (PDSignatureField) document.getDocumentCatalog().getAcroForm().getField(args[7]);
            field.getCOSObject().setItem(COSName.V, signature);
            if (place != null) {
                place = field.getWidgets().get(0).getRectangle();
            }
        }
        SignatureOptions options = new SignatureOptions();
        options.setPreferredSignatureSize(16384);
        if (place != null) {
            PDVisibleSignDesigner designer = new PDVisibleSignDesigner(document, mark(args[5]), 1);
            designer.xAxis(place.getLowerLeftX()).yAxis(designer.getPageHeight() - place.getUpperRightY());
            designer.width(place.getWidth()).height(place.getHeight()).signatureFieldName(args[7]);
            PDVisibleSigProperties properties = new PDVisibleSigProperties();
            properties.signerName(args[5]).signatureReason("agreed").page(1).visualSignEnabled(true);
            properties.setPdVisibleSignature(designer).buildSignature();
            options.setVisualSignature(properties.getVisibleSignature());
            options.setPage(0);
        }
        document.addSignature(signature, content -> cms(content, key, chain), options);
        document.saveIncremental(target);
    }

    private static byte[] cms(InputStream content, PrivateKey key, Certificate[] chain) throws IOException {
        try {
            ContentSigner signer = new JcaContentSignerBuilder("SHA256WithRSA").build(key);
            CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
            generator.addSignerInfoGenerator(
                new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().build())
                    .build(signer, (X509Certificate) chain[0]));
            generator.addCertificates(new JcaCertStore(Arrays.asList(chain)));
            return generator.generate(new CMSProcessableByteArray(content.readAllBytes()), false).getEncoded();
        } catch (Exception error) {
            throw new IOException(error);
        }
    }

    private static BufferedImage mark(String name) {
        BufferedImage image = new BufferedImage(150, 50, BufferedImage.TYPE_INT_RGB);
        Graphics2D drawing = image.createGraphics();
        drawing.setColor(Color.WHITE);
        drawing.fillRect(0, 0, 150, 50);
        drawing.setColor(Color.BLUE);
        drawing.drawString("Signed by " + name, 10, 30);
        drawing.dispose();
        return image;
    }

    private static void fill(PDDocument document, FileOutputStream target) throws Exception {
        PDAcroForm form = document.getDocumentCatalog().getAcroForm();
        Set<COSDictionary> changed = new HashSet<>();
        String[][] values = {{"place", "Vienna"}, {"agreed", "Yes"}, {"colour", "green"}, {"delivery", "courier"}};
        for (String[] pair : values) {
            PDField field = form.getField(pair[0]);
            field.setValue(pair[1]);
            changed.add(field.getCOSObject());
            for (PDAnnotationWidget widget : field.getWidgets()) {
                changed.add(widget.getCOSObject());
                COSDictionary appearances = (COSDictionary) widget.getCOSObject().getDictionaryObject(COSName.AP);
                if (appearances != null) {
                    changed.add(appearances);
                    COSBase normal = appearances.getDictionaryObject(COSName.N);
                    if (normal instanceof COSDictionary) {
                        changed.add((COSDictionary) normal);
                    }
                }
            }
        }
        document.saveIncremental(target, changed);
    }

    private static void comment(PDDocument document, FileOutputStream target, String written) throws Exception {
        PDAnnotationText note = new PDAnnotationText();
        note.setContents("Please check.");
        note.setTitlePopup("Ben");
        note.setRectangle(box(written));
        note.constructAppearances(document);
        PDPage page = document.getPage(0);
        page.getAnnotations().add(note);
        // It follows the marks from the catalog down; the array may be an object of its own.
        document.getDocumentCatalog().getCOSObject().setNeedToBeUpdated(true);
        document.getPages().getCOSObject().setNeedToBeUpdated(true);
        page.getCOSObject().setNeedToBeUpdated(true);
        ((COSArray) page.getCOSObject().getDictionaryObject(COSName.ANNOTS)).setNeedToBeUpdated(true);
        note.getCOSObject().setNeedToBeUpdated(true);
        document.saveIncremental(target);
    }

    private static PDRectangle box(String written) {
        String[] parts = written.split(",");
        float left = Float.parseFloat(parts[0]), bottom = Float.parseFloat(parts[1]);
        return new PDRectangle(left, bottom, Float.parseFloat(parts[2]) - left, Float.parseFloat(parts[3]) - bottom);
    }
}
